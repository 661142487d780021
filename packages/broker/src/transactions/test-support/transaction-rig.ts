import { SILENT_LOGGER } from '@millrace/streams/ports'
import { MockClock } from '@millrace/testing'
import type { PartitionLog } from '../../log/partition-log.ts'
import { StorageError } from '../../storage/log-storage.ts'
import { RecordedJournal } from '../../test-support/recorded-journal.ts'
import type { ProducerIdentity } from '../transaction.ts'
import { DEFAULT_TRANSACTION_CONFIG, type TransactionConfig } from '../transaction-config.ts'
import { type IdentityAnswer, TransactionCoordinator } from '../transaction-coordinator.ts'

const NOBODY: ProducerIdentity = { producerId: -1n, producerEpoch: -1 }

/** A coordinator of transactions, with logs and groups that only write down what they are told. */
export class TransactionRig {
  readonly clock: MockClock
  readonly journal: RecordedJournal
  readonly coordinator: TransactionCoordinator
  /** What partitions and groups were told, in order: `commit t-0 as 3/1`. */
  readonly ends: string[] = []
  readonly missing = new Set<string>()
  /** Whether partitions take no markers. */
  diskIsFull: boolean
  readonly #config: Partial<TransactionConfig>

  constructor(
    config: Partial<TransactionConfig> = {},
    journal = new RecordedJournal(),
    clock = new MockClock(1_000_000),
    diskIsFull = false
  ) {
    this.diskIsFull = diskIsFull
    this.#config = config
    this.clock = clock
    this.journal = journal
    const partition = (topic: string, index: number) => {
      if (this.missing.has(topic)) return undefined
      const appendControl = (producerId: bigint, epoch: number, type: string) => {
        if (this.diskIsFull) throw new StorageError('The disk is full.')
        this.ends.push(`${type} ${topic}-${index} as ${producerId}/${epoch}`)
        return 0
      }
      return { appendControl } as unknown as PartitionLog
    }
    const endTransaction = (producerId: bigint, committed: boolean) => {
      this.ends.push(`${committed ? 'commit' : 'abort'} offsets of ${producerId}`)
    }
    this.coordinator = new TransactionCoordinator({
      config: { ...DEFAULT_TRANSACTION_CONFIG, ...config },
      clock,
      logger: SILENT_LOGGER,
      topics: { partition },
      groups: { offsets: { endTransaction } } as never,
      journal
    })
    this.coordinator.start()
  }

  /** The next process with the same disk. The one before gets no chance to say farewell. */
  restart(diskIsFull = false): TransactionRig {
    return new TransactionRig(this.#config, this.journal.reopened(), this.clock, diskIsFull)
  }

  init(id: string | null = 'id', expected = NOBODY, timeoutMs = 60_000): IdentityAnswer {
    return this.coordinator.initProducerId(id, timeoutMs, expected)
  }

  /** Initialises until it succeeds, as a client does. */
  initialised(id = 'id'): IdentityAnswer {
    const answer = this.init(id)
    return answer.errorCode === 0 ? answer : this.init(id)
  }

  add(producer: ProducerIdentity, topic = 't', partition = 0): number {
    return this.coordinator.addPartitions('id', producer, [{ topic, partition }])
  }

  end(producer: ProducerIdentity, committed = true, usesV2 = true): IdentityAnswer {
    return this.coordinator.endTransaction('id', producer, committed, usesV2)
  }

  get state(): string {
    return this.coordinator.describe('id').transactionState
  }
}
