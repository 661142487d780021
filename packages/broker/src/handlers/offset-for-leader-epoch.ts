import { OffsetForLeaderEpoch } from '@millrace/protocol'
import { ErrorCode } from '../error-code.ts'
import type { Handler } from './handler.ts'
import { leaderEpochError } from './leader-epoch-error.ts'

/** Tells where leader epochs end. */
export const offsetForLeaderEpoch: Handler<typeof OffsetForLeaderEpoch> = {
  api: OffsetForLeaderEpoch,
  versions: [2, 4],
  handle({ topics }, { broker }) {
    return {
      throttleTimeMs: 0,
      topics: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => {
          const log = broker.topics.partition(topic, partition)
          if (log === undefined) return { partition, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
          const errorCode = leaderEpochError(log, currentLeaderEpoch)
          if (errorCode !== ErrorCode.NONE) return { partition, errorCode }
          const end = log.endOfEpoch(leaderEpoch)
          return { partition, errorCode, leaderEpoch: end.epoch, endOffset: end.endOffset }
        })
      }))
    }
  }
}
