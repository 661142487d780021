import { OffsetDelete } from '@millrace/protocol'
import { ErrorCode } from '../error-code.ts'
import type { OffsetDeleteAnswer } from '../groups/group-messages.ts'
import { answerExisting } from './existing-partitions.ts'
import type { Handler } from './handler.ts'

/** Deletes a group's offsets of topics that it does not consume. */
export const offsetDelete: Handler<typeof OffsetDelete> = {
  api: OffsetDelete,
  versions: [0, 0],
  handle(request, { broker }) {
    const { offsets } = broker.groups
    // The group is judged even when there is nothing to delete.
    const nothing = offsets.delete({ ...request, topics: [] })
    if (nothing.errorCode !== ErrorCode.NONE) return nothing
    const remove = (topics: typeof request.topics): OffsetDeleteAnswer['topics'] =>
      offsets.delete({ ...request, topics }).topics
    return { errorCode: ErrorCode.NONE, topics: answerExisting(broker.topics, request.topics, remove) }
  }
}
