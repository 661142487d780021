import type { BatchHeader } from '@millrace/protocol'
import { ErrorCode } from '../error-code.ts'

/** Batches of a producer that can be recognised when they come again; as many as a client may have in flight. */
const REMEMBERED_BATCHES = 5
const MAX_SEQUENCE = 0x7fff_ffff

export interface RememberedBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly timestampMs: number
}

interface ProducerState {
  epoch: number
  /** Oldest first; all of `epoch`. */
  batches: RememberedBatch[]
  /** Offset at which its running transaction began in this partition; -1 without one. */
  transactionStart: number
  /** Of its last batch or marker. */
  lastTimestampMs: number
  /** When it last wrote, by the broker's clock; when the log was opened, if it has not written since. */
  lastWriteMs: number
  /** Of the coordinator that wrote its last marker; -1 without one. */
  coordinatorEpoch: number
}

/** As DescribeProducers tells it; -1 for what is not there. */
export interface ProducerDescription {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestamp: number
  readonly coordinatorEpoch: number
  readonly currentTxnStartOffset: number
}

export type SequenceVerdict =
  | { readonly kind: 'append' }
  | { readonly kind: 'duplicate'; readonly batch: RememberedBatch }
  | { readonly kind: 'refuse'; readonly errorCode: number; readonly message: string }

const APPEND: SequenceVerdict = { kind: 'append' }

/** What one partition knows of its producers: epochs, the last sequences, and running transactions. */
export class ProducerStates {
  readonly #states = new Map<bigint, ProducerState>()
  /** Producers with a running transaction, by its start. Starts only grow, so the first is the lowest. */
  readonly #running = new Map<bigint, number>()

  /** Producers that are remembered. */
  get size(): number {
    return this.#states.size
  }

  /** Offset of the earliest record whose transaction is not decided; undefined if there is none. */
  get firstUndecided(): number | undefined {
    for (const start of this.#running.values()) return start
    return undefined
  }

  /** Judges a client's batch before it is appended. */
  judge(header: BatchHeader): SequenceVerdict {
    const state = this.#states.get(header.producerId)
    if (state === undefined) return APPEND
    if (header.producerEpoch < state.epoch) {
      return refuse(
        ErrorCode.INVALID_PRODUCER_EPOCH,
        `Epoch of producer ${header.producerId} is ${header.producerEpoch}, which is smaller than the last seen epoch ${state.epoch}`
      )
    }
    const sameEpoch = header.producerEpoch === state.epoch
    const lastSequence = sequenceAfter(header.baseSequence, header.lastOffset - header.baseOffset)
    if (sameEpoch) {
      const batch = state.batches.find(
        known => known.firstSequence === header.baseSequence && known.lastSequence === lastSequence
      )
      if (batch !== undefined) return { kind: 'duplicate', batch }
    }
    const known = sameEpoch ? (state.batches.at(-1)?.lastSequence ?? -1) : -1
    if (header.baseSequence !== sequenceAfter(known, 1)) {
      return refuse(
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        `Out of order sequence number for producer ${header.producerId}: ${header.baseSequence} (incoming seq. number), ` +
          `${known} (current end sequence number)`
      )
    }
    if (state.transactionStart >= 0 && !header.transactional) {
      return refuse(
        ErrorCode.INVALID_TXN_STATE,
        `Expected transactional write from producer ${header.producerId}, whose transaction is running`
      )
    }
    return APPEND
  }

  /** Whether a marker with this epoch may end the producer's transaction. */
  acceptsMarker(producerId: bigint, epoch: number): boolean {
    return epoch >= (this.#states.get(producerId)?.epoch ?? -1)
  }

  /** Takes note of a batch that was appended, or found in the log. */
  appended(header: BatchHeader, nowMs: number): void {
    const state = this.#stateOf(header.producerId, header.producerEpoch)
    state.lastWriteMs = nowMs
    state.batches.push({
      firstSequence: header.baseSequence,
      lastSequence: sequenceAfter(header.baseSequence, header.lastOffset - header.baseOffset),
      baseOffset: header.baseOffset,
      lastOffset: header.lastOffset,
      timestampMs: header.maxTimestampMs
    })
    if (state.batches.length > REMEMBERED_BATCHES) state.batches.shift()
    state.lastTimestampMs = header.maxTimestampMs
    if (header.transactional && state.transactionStart < 0) {
      state.transactionStart = header.baseOffset
      this.#running.set(header.producerId, header.baseOffset)
    }
  }

  /**
   * Takes note of a marker.
   *
   * @returns Where the transaction that it ends began; undefined if it had no record here.
   */
  ended(
    producerId: bigint,
    epoch: number,
    timestampMs: number,
    coordinatorEpoch: number,
    nowMs: number
  ): number | undefined {
    const state = this.#stateOf(producerId, epoch)
    state.lastWriteMs = nowMs
    const start = state.transactionStart
    state.transactionStart = -1
    state.lastTimestampMs = timestampMs
    state.coordinatorEpoch = coordinatorEpoch
    this.#running.delete(producerId)
    return start < 0 ? undefined : start
  }

  /**
   * Forgets producers without a running transaction that have written nothing since. Kafka goes by the timestamps of records, and
   * so may forget a producer of old records in the middle of its work, and write again what it repeats.
   */
  expire(writtenBeforeMs: number): void {
    for (const [id, state] of this.#states) {
      if (state.transactionStart < 0 && state.lastWriteMs < writtenBeforeMs) this.#states.delete(id)
    }
  }

  /** Last offsets of the newest remembered batch of each producer; compaction keeps these batches' headers. */
  lastBatchOffsets(): Set<number> {
    const offsets = new Set<number>()
    for (const { batches } of this.#states.values()) {
      const last = batches.at(-1)
      if (last !== undefined) offsets.add(last.lastOffset)
    }
    return offsets
  }

  describe(): ProducerDescription[] {
    return Array.from(this.#states, ([producerId, state]) => ({
      producerId,
      producerEpoch: state.epoch,
      lastSequence: state.batches.at(-1)?.lastSequence ?? -1,
      lastTimestamp: state.lastTimestampMs,
      coordinatorEpoch: state.coordinatorEpoch,
      currentTxnStartOffset: state.transactionStart
    }))
  }

  clear(): void {
    this.#states.clear()
    this.#running.clear()
  }

  #stateOf(producerId: bigint, epoch: number): ProducerState {
    let state = this.#states.get(producerId)
    if (state === undefined) {
      state = { epoch, batches: [], transactionStart: -1, lastTimestampMs: -1, lastWriteMs: -1, coordinatorEpoch: -1 }
      this.#states.set(producerId, state)
    } else if (state.epoch !== epoch) {
      state.epoch = epoch
      state.batches = []
    }
    return state
  }
}

/** Sequences begin anew at 0 after the highest int32. */
function sequenceAfter(sequence: number, steps: number): number {
  const next = sequence + steps
  return next > MAX_SEQUENCE ? next - MAX_SEQUENCE - 1 : next
}

function refuse(errorCode: number, message: string): SequenceVerdict {
  return { kind: 'refuse', errorCode, message }
}
