import { StreamsError } from '@millrace/streams/core'
import type { TopicPartition } from '@millrace/streams/ports'
import { type AdminDependencies, AdminSession } from './admin-session.ts'
import {
  type ActiveProducer,
  abortInPartition,
  describeProducers,
  describeTransaction,
  fenceProducer,
  listTransactions,
  type TransactionDescription,
  type TransactionListing
} from './transaction-requests.ts'

/** A transaction that is open in a partition, while no coordinator will ever end it (KIP-664). */
export interface HangingTransaction extends ActiveProducer {
  readonly transactionStartOffset: number
  /** Undefined: no coordinator knows the producer. */
  readonly transactionalId: string | undefined
}

/** How transactions are, and ending those that their producers do not end. */
export class TransactionAdmin {
  readonly #session: AdminSession

  constructor(dependencies: AdminDependencies) {
    this.#session = new AdminSession(dependencies)
  }

  /** Those of all coordinators, by id. Without `states`: in every state. */
  list(filter: { readonly states?: readonly string[] } = {}): Promise<readonly TransactionListing[]> {
    return listTransactions(this.#session, filter)
  }

  /** @returns undefined: no coordinator knows the id. */
  async describe(transactionalId: string): Promise<TransactionDescription | undefined> {
    return await describeTransaction(this.#session, transactionalId)
  }

  /** Producers that partitions remember, with what they have open. */
  producers(partitions: readonly TopicPartition[]): Promise<readonly ActiveProducer[]> {
    return describeProducers(this.#session, partitions)
  }

  /**
   * Fences the producer of a transactional id, which aborts what it has open.
   *
   * @returns What its successor would be. Undefined: no coordinator knows the id; one that is not known is not made.
   */
  async fence(
    transactionalId: string
  ): Promise<{ readonly producerId: bigint; readonly producerEpoch: number } | undefined> {
    const known = await describeTransaction(this.#session, transactionalId)
    return known === undefined ? undefined : await fenceProducer(this.#session, known)
  }

  /** Writes an abort marker into one partition: for a transaction that no coordinator will end. */
  async abort(producer: ActiveProducer): Promise<void> {
    await abortInPartition(this.#session, producer)
  }

  /**
   * Looks for transactions that hold partitions and that nobody will end: open for longer than `longerThanMs`, and unknown to the
   * coordinators, or no longer theirs.
   *
   * @param partitions - where to look. Default: everywhere.
   * @see Kafka `TransactionsCommand.FindHangingTransactionsCommand`
   */
  async findHanging(
    partitions: readonly TopicPartition[] | undefined,
    { longerThanMs, nowMs }: { readonly longerThanMs: number; readonly nowMs: number }
  ): Promise<readonly HangingTransaction[]> {
    const producers = await describeProducers(this.#session, partitions ?? (await this.#allPartitions()))
    const open = producers.filter(
      (producer): producer is ActiveProducer & { readonly transactionStartOffset: number } =>
        producer.transactionStartOffset !== undefined && nowMs - producer.lastTimestampMs > longerThanMs
    )
    if (open.length === 0) return []
    const producerIds = [...new Set(open.map(({ producerId }) => producerId))]
    const listed = await listTransactions(this.#session, { producerIds })
    const described = await Promise.all(listed.map(({ transactionalId }) => this.describe(transactionalId)))
    const byProducer = new Map(
      described.flatMap(each => (each === undefined ? [] : [[each.producerId, each] as const]))
    )
    return open.flatMap(producer => {
      const known = byProducer.get(producer.producerId)
      if (known !== undefined && isEndedBy(known, producer)) return []
      return [{ ...producer, transactionalId: known?.transactionalId }]
    })
  }

  /** @throws StreamsError `TOPIC_MISSING` */
  async partitionsOf(topic: string, partition: number | undefined): Promise<readonly TopicPartition[]> {
    const known = (await this.#session.cluster.topics([topic])).get(topic)
    if (known === undefined) {
      throw new StreamsError('TOPIC_MISSING', `Topic '${topic}' does not exist. Correct its name.`, {
        details: { topic }
      })
    }
    if (partition !== undefined) return [{ topic, partition }]
    return known.partitions.map(each => ({ topic, partition: each.partition }))
  }

  async #allPartitions(): Promise<readonly TopicPartition[]> {
    const topics = await this.#session.cluster.allTopics()
    return topics.flatMap(({ name, partitions }) => partitions.map(({ partition }) => ({ topic: name, partition })))
  }
}

/** Whether the coordinator has the partition in a transaction that it will end. */
function isEndedBy({ state, partitions }: TransactionDescription, { topic, partition }: TopicPartition): boolean {
  if (!['Ongoing', 'PrepareCommit', 'PrepareAbort'].includes(state)) return false
  return partitions.some(each => each.topic === topic && each.partition === partition)
}
