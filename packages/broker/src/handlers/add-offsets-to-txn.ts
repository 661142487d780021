import { AddOffsetsToTxn } from '@millrace/protocol'
import { offsetsPartitionOf } from '../transactions/offsets-partition.ts'
import { fencedError } from './fenced-error.ts'
import type { Handler } from './handler.ts'

/** Announces a group's offsets to a transaction. */
export const addOffsetsToTxn: Handler<typeof AddOffsetsToTxn> = {
  api: AddOffsetsToTxn,
  versions: [0, 4],
  handle({ transactionalId, groupId, ...producer }, { version, broker }) {
    const partitions = [offsetsPartitionOf(groupId)]
    const errorCode = broker.transactions.addPartitions(transactionalId, producer, partitions)
    return { throttleTimeMs: 0, errorCode: fencedError(errorCode, version, 2) }
  }
}
