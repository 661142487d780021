import { RecordBatchCursor } from '@millrace/protocol'

export interface LoggedBatch {
  readonly baseOffset: number
  readonly values: readonly string[]
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  state: 'plain' | 'open' | 'committed' | 'aborted'
}

interface ProducerEntry {
  epoch: number
  lastSequence: number
  recent: { readonly base: number; readonly end: number; readonly offset: number }[]
}

const NONE = 0
const MESSAGE_TOO_LARGE = 10
const OUT_OF_ORDER_SEQUENCE_NUMBER = 45
const INVALID_PRODUCER_EPOCH = 47
const INVALID_RECORD = 87

/** A partition's log, which checks sequences as Kafka's ProducerStateManager does. */
export class FakePartition {
  readonly log: LoggedBatch[] = []
  endOffset = 0
  leaderId = 1
  maxMessageBytes = Number.POSITIVE_INFINITY
  /** Records whose value this accepts are refused as invalid. */
  invalid: (value: string) => boolean = () => false
  readonly #producers = new Map<bigint, ProducerEntry>()

  /** @param strict - Whether an unknown producer must begin with sequence 0 (transactions v2). */
  append(records: Buffer, strict: boolean): { errorCode: number; baseOffset: number; invalidIndexes: number[] } {
    const cursor = new RecordBatchCursor()
    cursor.reset(records, 0)
    const values: string[] = []
    while (cursor.next()) values.push(cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd))
    const refuse = (errorCode: number, invalidIndexes: number[] = []) => ({ errorCode, baseOffset: -1, invalidIndexes })
    if (records.length > this.maxMessageBytes) return refuse(MESSAGE_TOO_LARGE)
    const invalidIndexes = values.flatMap((value, index) => (this.invalid(value) ? [index] : []))
    if (invalidIndexes.length > 0) return refuse(INVALID_RECORD, invalidIndexes)

    const { producerId, producerEpoch: epoch, baseSequence: base } = cursor
    const end = (base + values.length - 1) & 0x7fffffff
    let entry = this.#producers.get(producerId)
    if (entry === undefined) {
      if (strict && base !== 0) return refuse(OUT_OF_ORDER_SEQUENCE_NUMBER)
    } else if (epoch < entry.epoch) return refuse(INVALID_PRODUCER_EPOCH)
    else if (epoch > entry.epoch) {
      if (base !== 0) return refuse(OUT_OF_ORDER_SEQUENCE_NUMBER)
    } else {
      const duplicate = entry.recent.find(batch => batch.base === base && batch.end === end)
      if (duplicate !== undefined) return { errorCode: NONE, baseOffset: duplicate.offset, invalidIndexes: [] }
      const next = entry.lastSequence === -1 ? 0 : (entry.lastSequence + 1) & 0x7fffffff
      if (base !== next) return refuse(OUT_OF_ORDER_SEQUENCE_NUMBER)
    }
    if (entry === undefined || entry.epoch !== epoch) {
      entry = { epoch, lastSequence: -1, recent: [] }
      this.#producers.set(producerId, entry)
    }
    entry.lastSequence = end
    entry.recent = [...entry.recent, { base, end, offset: this.endOffset }].slice(-5)
    const state = cursor.transactional ? 'open' : 'plain'
    this.log.push({
      baseOffset: this.endOffset,
      values,
      producerId,
      producerEpoch: epoch,
      baseSequence: base,
      state
    })
    const baseOffset = this.endOffset
    this.endOffset += values.length
    return { errorCode: NONE, baseOffset, invalidIndexes: [] }
  }

  /** Ends the producer's transaction with a marker of this epoch. */
  mark(producerId: bigint, epoch: number, state: 'committed' | 'aborted'): void {
    for (const batch of this.log) if (batch.state === 'open' && batch.producerId === producerId) batch.state = state
    const entry = this.#producers.get(producerId)
    if (entry === undefined || entry.epoch < epoch) {
      this.#producers.set(producerId, { epoch, lastSequence: -1, recent: [] })
    }
    this.endOffset++
  }

  /** As after retention took the producer's last batch, on brokers that then forget it. */
  forgetProducers(): void {
    this.#producers.clear()
  }

  /** Makes the producer's last sequence `lastSequence`, as after very many records. */
  setLastSequence(lastSequence: number): void {
    for (const entry of this.#producers.values()) {
      entry.lastSequence = lastSequence
      entry.recent = []
    }
  }

  /** What a read_committed consumer gets; one behind an open transaction gets nothing further. */
  get visible(): string[] {
    const values: string[] = []
    for (const batch of this.log) {
      if (batch.state === 'open') break
      if (batch.state !== 'aborted') values.push(...batch.values)
    }
    return values
  }
}
