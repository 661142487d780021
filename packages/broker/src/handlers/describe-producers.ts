import { DescribeProducers } from '@millrace/protocol'
import { ErrorCode } from '../error-code.ts'
import type { Handler } from './handler.ts'

/** Describes the producers that partitions remember. */
export const describeProducers: Handler<typeof DescribeProducers> = {
  api: DescribeProducers,
  versions: [0, 0],
  handle: ({ topics }, { broker }) => ({
    topics: topics.map(({ name, partitionIndexes }) => {
      // Kafka says nothing of a partition that is missing from a topic.
      const errorMessage =
        broker.topics.byName(name) === undefined ? 'This server does not host this topic-partition.' : null
      const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      return {
        name,
        partitions: partitionIndexes.map(partitionIndex => {
          const log = broker.topics.partition(name, partitionIndex)
          if (log === undefined) return { partitionIndex, errorCode, errorMessage, activeProducers: [] }
          return { partitionIndex, errorCode: ErrorCode.NONE, activeProducers: log.producers() }
        })
      }
    })
  })
}
