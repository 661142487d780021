import { WriteTxnMarkers } from '@millrace/protocol'
import { ErrorCode } from '../error-code.ts'
import type { Handler } from './handler.ts'

/** Ends transactions in partitions, whatever the coordinator knows of them. The epoch of a coordinator is not checked: there is one. */
export const writeTxnMarkers: Handler<typeof WriteTxnMarkers> = {
  api: WriteTxnMarkers,
  versions: [1, 1],
  handle: ({ markers }, { broker }) => ({
    markers: markers.map(({ producerId, producerEpoch, transactionResult, coordinatorEpoch, topics }) => ({
      producerId,
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map(partitionIndex => {
          const log = broker.topics.partition(name, partitionIndex)
          const type = transactionResult ? 'commit' : 'abort'
          const errorCode =
            log?.appendControl(producerId, producerEpoch, type, coordinatorEpoch) ??
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
          return { partitionIndex, errorCode }
        })
      }))
    }))
  })
}
