import { ENTERED_FROM, type TransactionState } from './transaction-states.ts'

/** A producer id and the epoch in which it is used; -1n and -1 are none. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export const NO_PRODUCER_ID = -1n
export const NO_PRODUCER_EPOCH = -1
const MAX_EPOCH = 32_767

/** The last epoch that a client may use: the one above it stays for fencing. */
export function isEpochExhausted(producerEpoch: number): boolean {
  return producerEpoch >= MAX_EPOCH - 1
}

/**
 * What is known of a transactional id. Whether a change is right is decided by those who make it; this class only
 * keeps to the order of states.
 *
 * @see Kafka `TransactionMetadata`
 */
export class Transaction {
  readonly transactionalId: string
  producerId: bigint
  /** Set when epochs of an id ran out: the id before. */
  previousProducerId = NO_PRODUCER_ID
  /** Of a transaction that is being ended and has used up its epochs: the id that comes after. */
  nextProducerId = NO_PRODUCER_ID
  producerEpoch = NO_PRODUCER_EPOCH
  /** The epoch before; -1 when whoever had it is fenced and may not come back with it. */
  lastProducerEpoch = NO_PRODUCER_EPOCH
  timeoutMs: number
  /** When the transaction began; -1: none since the id was initialised. */
  startedAtMs = -1
  updatedAtMs: number
  /** Cancels the time-out of the transaction, or what waits to write its markers. */
  cancelTimer: () => void = () => {}

  #state: TransactionState = 'Empty'
  #partitions = new Map<string, TopicPartition>()

  constructor(transactionalId: string, producerId: bigint, timeoutMs: number, nowMs: number) {
    this.transactionalId = transactionalId
    this.producerId = producerId
    this.timeoutMs = timeoutMs
    this.updatedAtMs = nowMs
  }

  get state(): TransactionState {
    return this.#state
  }

  isIn(...states: readonly TransactionState[]): boolean {
    return states.includes(this.#state)
  }

  /** Decided, but not over. */
  get isEnding(): boolean {
    return this.#state === 'PrepareCommit' || this.#state === 'PrepareAbort'
  }

  transitionTo(state: TransactionState, nowMs: number): void {
    if (!ENTERED_FROM[state].includes(this.#state)) {
      throw new Error(`Transactional id '${this.transactionalId}' cannot go from ${this.#state} to ${state}.`)
    }
    this.#state = state
    this.updatedAtMs = nowMs
  }

  /** Takes over a state from the journal. */
  restoreState(state: TransactionState): void {
    this.#state = state
  }

  /** One to try a change on, of which nobody knows. */
  copy(): Transaction {
    const copy = new Transaction(this.transactionalId, this.producerId, this.timeoutMs, this.updatedAtMs)
    copy.become(this)
    return copy
  }

  /** Takes over everything but the timer. */
  become(other: Transaction): void {
    this.producerId = other.producerId
    this.previousProducerId = other.previousProducerId
    this.nextProducerId = other.nextProducerId
    this.producerEpoch = other.producerEpoch
    this.lastProducerEpoch = other.lastProducerEpoch
    this.timeoutMs = other.timeoutMs
    this.startedAtMs = other.startedAtMs
    this.updatedAtMs = other.updatedAtMs
    this.#state = other.#state
    this.#partitions = new Map(other.#partitions)
  }

  get partitions(): readonly TopicPartition[] {
    return [...this.#partitions.values()]
  }

  has({ topic, partition }: TopicPartition): boolean {
    return this.#partitions.has(`${topic}-${partition}`)
  }

  addPartitions(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#partitions.set(`${topic}-${partition}`, { topic, partition })
  }

  clearPartitions(): void {
    this.#partitions.clear()
  }
}
