import { type Compression, RecordBatchBuilder, RecordBatchCursor, restampBatch } from '@millrace/protocol'
import type { StreamsError } from '@millrace/streams/core'
import { freeMemory } from '../free-memory.ts'

/** Whose sequences a batch carries. A new object for each new id or epoch: compared by identity. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
  /**
   * Whether a broker without a memory of this producer insists that the first sequence is 0 (transactions v2, KIP-890). Otherwise
   * it takes any.
   */
  readonly firstSequenceChecked: boolean
}

/** Sequences count records, per partition and identity, and start again at 0 after 2^31 - 1. */
export function sequenceAfter(sequence: number, recordCount: number): number {
  return (sequence + recordCount) & 0x7fffffff
}

/** How a batch was refused for good: what is to be done once nothing of its partition is in flight. */
export type Refusal =
  | { readonly kind: 'gap' }
  | { readonly kind: 'too-large' | 'refused'; readonly error: StreamsError; readonly recordIndexes: readonly number[] }

/** A closed batch of one partition on its way to the broker. */
export class ProducerBatch {
  readonly bytes: Buffer
  readonly recordCount: number
  /** Uncompressed: what it counts for in the producer's buffer. */
  readonly sizeBytes: number
  /** The transaction it belongs to, counted from 0; always 0 without one. */
  readonly era: number
  /** Position among all batches of the producer; the parts of a split batch share it. */
  readonly ordinal: number
  /** From here on the delivery time-out counts. */
  createdMs: number
  /** -1 until it is first sent: a batch that never was may be dropped without a gap. */
  baseSequence = -1
  /** Counts the batches of a partition as the broker gets them. */
  number = -1
  inFlight = false
  /** Given up by `abort` or `reset`: its answer, if one comes, only tells whether its sequences were used. */
  dropped = false
  refusal: Refusal | undefined

  constructor(
    bytes: Buffer,
    recordCount: number,
    sizeBytes: number,
    origin: { readonly era: number; readonly ordinal: number; readonly createdMs: number }
  ) {
    this.bytes = bytes
    this.recordCount = recordCount
    this.sizeBytes = sizeBytes
    this.era = origin.era
    this.ordinal = origin.ordinal
    this.createdMs = origin.createdMs
  }

  get endSequence(): number {
    return sequenceAfter(this.baseSequence, this.recordCount)
  }

  /** It is acknowledged: nobody will send it again. */
  free(): void {
    freeMemory(this.bytes)
  }

  stamp(identity: ProducerIdentity, baseSequence: number): void {
    this.baseSequence = baseSequence
    restampBatch(this.bytes, {
      producerId: identity.producerId,
      producerEpoch: identity.producerEpoch,
      baseSequence
    })
  }
}

export interface BatchFormat {
  readonly transactional: boolean
  readonly compression: Compression
}

/** Closes the builder's batch and leaves the builder empty. */
export function closeBatch(
  builder: RecordBatchBuilder,
  format: BatchFormat,
  origin: { readonly era: number; readonly ordinal: number; readonly createdMs: number }
): ProducerBatch {
  const { count, sizeBytes } = builder
  const bytes = builder.build(format)
  builder.reset()
  return new ProducerBatch(bytes, count, sizeBytes, origin)
}

/** Two batches with the records of one, cut where half of the bytes are. */
export function splitBatch(batch: ProducerBatch, format: BatchFormat): ProducerBatch[] {
  const half = batch.sizeBytes / 2
  // A last record that is larger than all before it together still goes into the second.
  const last = batch.recordCount - 1
  return rebuild(batch, format, (index, sizeBytes) => index > 0 && (sizeBytes >= half || index === last))
}

/** One batch without some records; none when nothing is left. */
export function withoutRecords(
  batch: ProducerBatch,
  format: BatchFormat,
  recordIndexes: readonly number[]
): ProducerBatch[] {
  const omitted = new Set(recordIndexes)
  return rebuild(
    batch,
    format,
    () => false,
    index => omitted.has(index)
  )
}

function rebuild(
  batch: ProducerBatch,
  format: BatchFormat,
  cutBefore: (index: number, sizeBytes: number) => boolean,
  omit: (index: number) => boolean = () => false
): ProducerBatch[] {
  const cursor = new RecordBatchCursor({ checkCrc: false })
  cursor.reset(batch.bytes, 0)
  const builder = new RecordBatchBuilder(Math.min(batch.sizeBytes, 64 * 1024))
  const parts: ProducerBatch[] = []
  for (let index = 0; cursor.next(); index++) {
    if (omit(index)) continue
    if (parts.length === 0 && builder.count > 0 && cutBefore(index, builder.sizeBytes)) {
      parts.push(closeBatch(builder, format, batch))
    }
    const { buffer, keyStart, keyEnd, valueStart, valueEnd, timestampMs } = cursor
    builder.append(buffer, keyStart, keyEnd, buffer, valueStart, valueEnd, timestampMs, cursor.headers())
  }
  if (builder.count > 0) parts.push(closeBatch(builder, format, batch))
  return parts
}
