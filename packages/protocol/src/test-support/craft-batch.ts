import * as layout from '../records/batch-layout.ts'
import { RecordBatchBuilder, restampBatch } from '../records/record-batch-builder.ts'

export interface CraftedBatch {
  readonly baseOffset: number
  readonly records: readonly { readonly key?: Buffer | null; readonly value?: string | null }[]
  readonly producerId?: bigint
  readonly transactional?: boolean
  readonly control?: boolean
  readonly lastOffsetDelta?: number
}

/**
 * A batch as a broker would store it, which our builder alone does not make: with a base offset, a control bit, or
 * gaps.
 */
export function craftBatch(batch: CraftedBatch): Buffer {
  const builder = new RecordBatchBuilder()
  for (const { key = null, value = null } of batch.records.length > 0 ? batch.records : [{}]) {
    const bytes = value === null ? null : Buffer.from(value)
    builder.append(key, 0, key?.length ?? -1, bytes, 0, bytes?.length ?? -1, 1_700_000_000_000, [])
  }
  let built = builder.build({ transactional: batch.transactional ?? false })
  if (batch.records.length === 0) built = emptied(built)
  layout.writeInt64(built, batch.baseOffset, layout.BASE_OFFSET_AT)
  if (batch.control) {
    built.writeInt16BE(built.readInt16BE(layout.ATTRIBUTES_AT) | layout.CONTROL_BIT, layout.ATTRIBUTES_AT)
  }
  if (batch.lastOffsetDelta !== undefined) built.writeInt32BE(batch.lastOffsetDelta, layout.LAST_OFFSET_DELTA_AT)
  sealBatch(built, batch.producerId)
  return built
}

/** Makes the checksum right again. */
export function sealBatch(batch: Buffer, producerId = batch.readBigInt64BE(layout.PRODUCER_ID_AT)): void {
  restampBatch(batch, { producerId, producerEpoch: 0, baseSequence: 0 })
}

export function abortMarker(baseOffset: number, producerId: bigint): Buffer {
  return marker(baseOffset, producerId, 0)
}

export function commitMarker(baseOffset: number, producerId: bigint): Buffer {
  return marker(baseOffset, producerId, 1)
}

function marker(baseOffset: number, producerId: bigint, type: number): Buffer {
  const records = [{ key: Buffer.from([0, 0, 0, type]), value: '\0\0\0\0\0\0' }]
  return craftBatch({ baseOffset, producerId, records, transactional: true, control: true })
}

/** What compaction leaves of a batch whose records are all gone. */
function emptied(batch: Buffer): Buffer {
  const header = Buffer.from(batch.subarray(0, layout.RECORDS_AT))
  header.writeInt32BE(header.length - layout.LOG_OVERHEAD_BYTES, layout.BATCH_LENGTH_AT)
  header.writeInt32BE(0, layout.RECORD_COUNT_AT)
  return header
}
