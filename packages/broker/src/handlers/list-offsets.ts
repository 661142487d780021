import { type DecodedRequestOf, ListOffsets, type ResponseInputOf } from '@millrace/protocol'
import type { BrokerServices } from '../broker-services.ts'
import { ErrorCode } from '../error-code.ts'
import type { Isolation } from '../log/partition-log.ts'
import type { Handler } from './handler.ts'
import { leaderEpochError } from './leader-epoch-error.ts'
import { duplicatesIn } from './refusal.ts'

type Asked = DecodedRequestOf<typeof ListOffsets>['topics'][number]['partitions'][number]
type Answered = ResponseInputOf<typeof ListOffsets>['topics'][number]['partitions'][number]

const LATEST = -1
const EARLIEST = -2
const MAX_TIMESTAMP = -3
const EARLIEST_LOCAL = -4
const LATEST_TIERED = -5
const EARLIEST_PENDING_UPLOAD = -6

/** First versions in which a special timestamp may be asked for; below them it is a version error, as in Kafka. */
const SPECIAL_FROM = new Map([
  [LATEST, 0],
  [EARLIEST, 0],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING_UPLOAD, 11]
])

/** Finds offsets by time. Nothing is tiered, so that what is asked of tiers is never there. */
export const listOffsets: Handler<typeof ListOffsets> = {
  api: ListOffsets,
  versions: [1, 11],
  handle({ isolationLevel, topics }, { version, broker }) {
    const isolation = isolationLevel === 1 ? 'read_committed' : 'read_uncommitted'
    return {
      throttleTimeMs: 0,
      topics: topics.map(({ name, partitions }) => {
        const twice = duplicatesIn(partitions.map(({ partitionIndex }) => partitionIndex))
        return {
          name,
          partitions: partitions.map(asked =>
            twice.has(asked.partitionIndex)
              ? notFound(asked, ErrorCode.INVALID_REQUEST)
              : find(name, asked, isolation, version, broker)
          )
        }
      })
    }
  }
}

function find(
  topic: string,
  asked: Asked,
  isolation: Isolation,
  version: number,
  { topics }: BrokerServices
): Answered {
  const { timestamp, partitionIndex } = asked
  if (timestamp < 0 && version < (SPECIAL_FROM.get(timestamp) ?? Infinity)) {
    return notFound(asked, ErrorCode.UNSUPPORTED_VERSION)
  }
  const log = topics.partition(topic, partitionIndex)
  if (log === undefined) return notFound(asked, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  const wrongEpoch = leaderEpochError(log, asked.currentLeaderEpoch)
  if (wrongEpoch !== ErrorCode.NONE) return notFound(asked, wrongEpoch)
  switch (timestamp) {
    case LATEST:
      return { ...notFound(asked), offset: log.endFor(isolation), leaderEpoch: log.leaderEpoch }
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { ...notFound(asked), offset: log.startOffset, leaderEpoch: log.epochAt(log.startOffset) }
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return notFound(asked)
  }
  const found = timestamp === MAX_TIMESTAMP ? log.findMaxTimestamp() : log.findTimestamp(timestamp)
  if (found === undefined || found.offset >= log.endFor(isolation)) return notFound(asked)
  return { partitionIndex, errorCode: ErrorCode.NONE, timestamp: found.timestampMs, ...found }
}

function notFound({ partitionIndex }: Asked, errorCode: number = ErrorCode.NONE): Answered {
  return { partitionIndex, errorCode, timestamp: -1, offset: -1, leaderEpoch: -1 }
}
