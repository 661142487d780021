import type { Clock } from '@millrace/streams/ports'
import type { FakePartition } from './fake-partition.ts'

const NONE = 0
const INVALID_TXN_STATE = 48
const INVALID_PRODUCER_ID_MAPPING = 49
const CONCURRENT_TRANSACTIONS = 51
const PRODUCER_FENCED = 90
/** How long the markers of a transaction take. */
const MARKERS_MS = 3

export interface FakeGroup {
  generationId: number
  readonly committed: Map<string, number>
  readonly pending: Map<string, number>
}

/** A transactional id at its coordinator, as Kafka's TransactionCoordinator treats it. */
export class FakeTransaction {
  readonly #clock: Clock
  readonly producerId: bigint
  epoch = -1
  lastEpoch = -1
  state: 'Empty' | 'Ongoing' | 'CompleteCommit' | 'CompleteAbort' = 'Empty'
  #completedMs = Number.NEGATIVE_INFINITY
  readonly partitions = new Set<FakePartition>()
  readonly groups = new Set<FakeGroup>()

  constructor(clock: Clock, producerId: bigint) {
    this.#clock = clock
    this.producerId = producerId
  }

  initialise(expectedProducerId: bigint, expectedEpoch: number): number {
    if (this.#completing) return CONCURRENT_TRANSACTIONS
    if (expectedProducerId >= 0n) {
      if (expectedProducerId !== this.producerId) return PRODUCER_FENCED
      if (expectedEpoch === this.lastEpoch) return NONE
      if (expectedEpoch !== this.epoch) return PRODUCER_FENCED
    }
    if (this.state === 'Ongoing') {
      this.fence()
      return CONCURRENT_TRANSACTIONS
    }
    this.lastEpoch = expectedProducerId >= 0n ? this.epoch : -1
    this.epoch++
    this.state = 'Empty'
    return NONE
  }

  /** What a new producer's initialisation, or the transaction's time-out, does to an open transaction. */
  fence(): void {
    this.epoch++
    this.lastEpoch = -1
    this.#complete(false)
  }

  check(producerId: bigint, epoch: number): number {
    if (producerId !== this.producerId) return INVALID_PRODUCER_ID_MAPPING
    return epoch === this.epoch ? NONE : PRODUCER_FENCED
  }

  add(producerId: bigint, epoch: number, partitions: Iterable<FakePartition>, groups: Iterable<FakeGroup>): number {
    const code = this.check(producerId, epoch)
    if (code !== NONE) return code
    if (this.#completing) return CONCURRENT_TRANSACTIONS
    this.state = 'Ongoing'
    for (const partition of partitions) this.partitions.add(partition)
    for (const group of groups) this.groups.add(group)
    return NONE
  }

  end(producerId: bigint, epoch: number, committed: boolean, version: number): number {
    if (producerId !== this.producerId) return INVALID_PRODUCER_ID_MAPPING
    const complete = committed ? 'CompleteCommit' : 'CompleteAbort'
    const raises = version >= 5
    if (raises && epoch === this.epoch - 1 && epoch === this.lastEpoch) {
      return this.state === complete ? (this.#completing ? CONCURRENT_TRANSACTIONS : NONE) : PRODUCER_FENCED
    }
    if (epoch !== this.epoch) return PRODUCER_FENCED
    if (this.state !== 'Ongoing') {
      if (!raises) {
        if (this.state !== complete) return INVALID_TXN_STATE
        return this.#completing ? CONCURRENT_TRANSACTIONS : NONE
      }
      if (committed) return INVALID_TXN_STATE
    }
    if (raises) {
      this.lastEpoch = this.epoch
      this.epoch++
    }
    this.#complete(committed)
    return NONE
  }

  #complete(committed: boolean): void {
    for (const partition of this.partitions) {
      partition.mark(this.producerId, this.epoch, committed ? 'committed' : 'aborted')
    }
    for (const group of this.groups) {
      if (committed) for (const [name, offset] of group.pending) group.committed.set(name, offset)
      group.pending.clear()
    }
    this.partitions.clear()
    this.groups.clear()
    this.state = committed ? 'CompleteCommit' : 'CompleteAbort'
    this.#completedMs = this.#clock.monotonicMs()
  }

  get #completing(): boolean {
    return this.#clock.monotonicMs() < this.#completedMs + MARKERS_MS
  }
}
