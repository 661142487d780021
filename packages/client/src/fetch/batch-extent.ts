const BATCH_LENGTH_AT = 8
const MAGIC_AT = 16
const LEADER_EPOCH_AT = 12
const LAST_OFFSET_DELTA_AT = 23
const LAST_OFFSET_DELTA_END = 27
const LOG_OVERHEAD_BYTES = 12

/** How far the whole batches of an answer reach. */
export interface BatchExtent {
  /** Of whole batches. */
  readonly bytes: number
  /** Behind the last whole batch; the offset fetched from when there is none. */
  readonly nextOffset: number
  /** Of the last whole batch; -1 when there is none. */
  readonly leaderEpoch: number
  /** Size of the batch that is cut off at the end, 0 when that cannot be told. */
  readonly cutOffBatchBytes: number
  /** A length that cannot be: what follows is unreadable. */
  readonly malformed: boolean
}

/**
 * Reads only the batches' heads: the next fetch leaves before the records of this one are looked at. Lengths are not
 * trusted further than that; the cursor that reads the records checks the checksums.
 */
export function measureBatches(records: Buffer, fetchOffset: number): BatchExtent {
  let at = 0
  let nextOffset = fetchOffset
  let leaderEpoch = -1
  while (records.length - at > MAGIC_AT) {
    const batchBytes = records.readInt32BE(at + BATCH_LENGTH_AT) + LOG_OVERHEAD_BYTES
    if (batchBytes < LAST_OFFSET_DELTA_END)
      return { bytes: at, nextOffset, leaderEpoch, cutOffBatchBytes: 0, malformed: true }
    if (batchBytes > records.length - at) {
      return { bytes: at, nextOffset, leaderEpoch, cutOffBatchBytes: batchBytes, malformed: false }
    }
    const baseOffset = Number(records.readBigInt64BE(at))
    // Older formats have no such field; the cursor refuses them by name.
    if (records[at + MAGIC_AT] !== 2)
      return { bytes: at, nextOffset, leaderEpoch, cutOffBatchBytes: 0, malformed: true }
    nextOffset = Math.max(nextOffset, baseOffset + records.readInt32BE(at + LAST_OFFSET_DELTA_AT) + 1)
    leaderEpoch = records.readInt32BE(at + LEADER_EPOCH_AT)
    at += batchBytes
  }
  return { bytes: at, nextOffset, leaderEpoch, cutOffBatchBytes: 0, malformed: false }
}
