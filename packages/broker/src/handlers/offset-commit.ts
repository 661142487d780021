import { OffsetCommit } from '@millrace/protocol'
import { answerExisting } from './existing-partitions.ts'
import type { Handler } from './handler.ts'

/** Stores a group's offsets. Not supported: topics by id (10). */
export const offsetCommit: Handler<typeof OffsetCommit> = {
  api: OffsetCommit,
  versions: [2, 9],
  handle(request, { version, broker }) {
    const commit = (topics: typeof request.topics) =>
      broker.groups.offsets.commit({ ...request, topics }, version).topics
    return { topics: answerExisting(broker.topics, request.topics, commit) }
  }
}
