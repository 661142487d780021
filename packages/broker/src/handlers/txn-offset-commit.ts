import { TxnOffsetCommit } from '@millrace/protocol'
import { ErrorCode } from '../error-code.ts'
import { commitAnswer } from '../groups/group-offsets.ts'
import { offsetsPartitionOf } from '../transactions/offsets-partition.ts'
import { verifyTransactionalWrite } from '../transactions/verify-transactional-write.ts'
import { answerExisting } from './existing-partitions.ts'
import type { Handler } from './handler.ts'

/** Stores a group's offsets as part of a transaction: the transaction is checked first, then the group's generation. */
export const txnOffsetCommit: Handler<typeof TxnOffsetCommit> = {
  api: TxnOffsetCommit,
  versions: [0, 5],
  handle(request, { version, broker }) {
    const { transactionalId, groupId } = request
    const commit = (topics: typeof request.topics) => {
      if (groupId === '') return commitAnswer(topics, ErrorCode.INVALID_GROUP_ID).topics
      const ability = version >= 5 ? 'add' : version >= 4 ? 'abortable' : 'plain'
      const partition = offsetsPartitionOf(groupId)
      const error = verifyTransactionalWrite(broker.transactions, transactionalId, request, partition, ability)
      if (error !== ErrorCode.NONE) return commitAnswer(topics, error).topics
      return broker.groups.offsets.commitTransactional({ ...request, topics }).topics
    }
    return { throttleTimeMs: 0, topics: answerExisting(broker.topics, request.topics, commit) }
  }
}
