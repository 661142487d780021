import { DeleteRecords, type DecodedRequestOf, type ResponseInputOf } from '@millrace/protocol'
import type { BrokerServices } from '../broker-services.ts'
import { ErrorCode } from '../error-code.ts'
import type { Handler } from './handler.ts'

type Asked = DecodedRequestOf<typeof DeleteRecords>['topics'][number]['partitions'][number]
type Answered = ResponseInputOf<typeof DeleteRecords>['topics'][number]['partitions'][number]

const HIGH_WATERMARK = -1

/** Deletes records below an offset, at once, as far as readers see; the bytes go with their segment. */
export const deleteRecords: Handler<typeof DeleteRecords> = {
  api: DeleteRecords,
  versions: [0, 2],
  handle({ topics }, { broker }) {
    return {
      throttleTimeMs: 0,
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(asked => deleteBelow(name, asked, broker))
      }))
    }
  }
}

function deleteBelow(name: string, { partitionIndex, offset }: Asked, { topics }: BrokerServices): Answered {
  const refused = (errorCode: number): Answered => ({ partitionIndex, lowWatermark: -1, errorCode })
  const topic = topics.byName(name)
  const log = topic?.partitions[partitionIndex]
  if (topic === undefined || log === undefined) return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  if (!topic.logConfig.deletes) return refused(ErrorCode.POLICY_VIOLATION)
  const target = offset === HIGH_WATERMARK ? log.highWatermark : offset
  if (target < 0 || target > log.highWatermark) return refused(ErrorCode.OFFSET_OUT_OF_RANGE)
  topics.deleteRecords(topic, partitionIndex, target)
  return { partitionIndex, lowWatermark: log.startOffset, errorCode: ErrorCode.NONE }
}
