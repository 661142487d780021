import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  ApiVersions,
  EndTxn,
  InitProducerId,
  OffsetCommit,
  TxnOffsetCommit
} from '@millrace/protocol'
import type { GroupMetadata, OffsetCommit as OffsetToCommit } from '@millrace/streams/ports'
import type { Cluster, Target } from '../cluster.ts'
import type { CallOutcome, CoordinatorCalls } from './coordinator-calls.ts'
import { decidingCode } from './coordinator-verdict.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { ProducerIdentity } from './producer-batch.ts'
import type { ResolvedProducerOptions } from './producer-options.ts'

/**
 * The two ways of ending transactions. In 1 each partition and group is added to the transaction by a request of its own. In 2
 * (KIP-890) it is added by what is written to it, and every end raises the epoch, so that nothing sent late can enter a later
 * transaction. The requests' versions tell the broker which one it is: the two are never mixed.
 */
export type TransactionsVersion = 1 | 2

const MAX_VERSIONS = {
  1: { produce: 11, addOffsets: 4, offsetCommit: 4, end: 4 },
  2: { produce: 12, addOffsets: 4, offsetCommit: 5, end: 5 }
} as const

/** From here on TxnOffsetCommit carries generation and member, without which a member that was replaced would not be told (KIP-447). */
const FENCED_OFFSETS_VERSION = 3

/** The requests of producers to coordinators, each tried until there is a final answer. */
export class TransactionRequests {
  version: TransactionsVersion = 1
  readonly #calls: CoordinatorCalls
  readonly #cluster: Cluster
  readonly #options: ResolvedProducerOptions

  constructor(cluster: Cluster, calls: CoordinatorCalls, options: ResolvedProducerOptions) {
    this.#cluster = cluster
    this.#calls = calls
    this.#options = options
  }

  get maxProduceVersion(): number {
    return MAX_VERSIONS[this.version].produce
  }

  /** The transaction's protocol is chosen here, once per identity taken over: both sides must agree over its whole life. */
  async chooseVersion(): Promise<void> {
    if (this.#options.transactionalId === undefined || this.#options.maxTransactionsVersion < 2) return
    const target = this.#coordinator
    const outcome = await this.#calls.call({
      target,
      api: ApiVersions,
      body: () => ({ clientSoftwareName: 'millrace', clientSoftwareVersion: '0.1.0' }),
      codeOf: answer => answer.errorCode,
      timeoutMs: this.#options.maxBlockMs
    })
    const level =
      outcome.verdict === 'done'
        ? outcome.answer?.finalizedFeatures.find(({ name }) => name === 'transaction.version')?.maxVersionLevel
        : undefined
    this.version = (level ?? 0) >= 2 && (await this.#cluster.versionFor(target, EndTxn)) >= 5 ? 2 : 1
  }

  /** @param previous - To go on with this identity, an epoch higher; without it whoever has the id is fenced. */
  initialise(previous: ProducerIdentity | undefined): Promise<CallOutcome<typeof InitProducerId>> {
    const { transactionalId, transactionTimeoutMs, maxBlockMs } = this.#options
    return this.#calls.call({
      target: transactionalId === undefined ? { any: true } : this.#coordinator,
      api: InitProducerId,
      body: () => ({
        transactionalId: transactionalId ?? null,
        // Without a transactional id there is no time-out to check.
        transactionTimeoutMs: transactionalId === undefined ? 2_147_483_647 : transactionTimeoutMs,
        producerId: previous?.producerId ?? -1n,
        producerEpoch: previous?.producerEpoch ?? -1
      }),
      codeOf: answer => answer.errorCode,
      maxVersion: 5,
      timeoutMs: maxBlockMs
    })
  }

  addPartitions(
    identity: ProducerIdentity,
    partitions: readonly PartitionQueue[],
    givenUp: () => boolean
  ): Promise<CallOutcome<typeof AddPartitionsToTxn>> {
    const topics = byTopic(partitions, ({ partition }) => partition)
    return this.#calls.call({
      target: this.#coordinator,
      api: AddPartitionsToTxn,
      body: () => ({
        v3AndBelowTransactionalId: this.#transactionalId,
        v3AndBelowProducerId: identity.producerId,
        v3AndBelowProducerEpoch: identity.producerEpoch,
        v3AndBelowTopics: topics
      }),
      codeOf: answer =>
        decidingCode(
          answer.resultsByTopicV3AndBelow.flatMap(topic =>
            topic.resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode)
          )
        ),
      maxVersion: 3,
      timeoutMs: this.#options.deliveryTimeoutMs,
      givenUp
    })
  }

  addOffsets(
    identity: ProducerIdentity,
    groupId: string,
    givenUp: () => boolean
  ): Promise<CallOutcome<typeof AddOffsetsToTxn>> {
    return this.#calls.call({
      target: this.#coordinator,
      api: AddOffsetsToTxn,
      body: () => ({ transactionalId: this.#transactionalId, ...idOf(identity), groupId }),
      codeOf: answer => answer.errorCode,
      maxVersion: MAX_VERSIONS[this.version].addOffsets,
      timeoutMs: this.#options.maxBlockMs,
      givenUp
    })
  }

  commitOffsets(
    identity: ProducerIdentity,
    offsets: readonly OffsetToCommit[],
    group: GroupMetadata,
    givenUp: () => boolean
  ): Promise<CallOutcome<typeof TxnOffsetCommit>> {
    const topics = offsetsByTopic(offsets)
    return this.#calls.call({
      target: { groupCoordinator: group.groupId },
      api: TxnOffsetCommit,
      body: () => ({
        transactionalId: this.#transactionalId,
        groupId: group.groupId,
        ...idOf(identity),
        generationId: group.generationId,
        memberId: group.memberId,
        groupInstanceId: group.groupInstanceId ?? null,
        topics
      }),
      codeOf: offsetsCode,
      maxVersion: MAX_VERSIONS[this.version].offsetCommit,
      minVersion: FENCED_OFFSETS_VERSION,
      timeoutMs: this.#options.maxBlockMs,
      givenUp
    })
  }

  end(identity: ProducerIdentity, committed: boolean): Promise<CallOutcome<typeof EndTxn>> {
    return this.#calls.call({
      target: this.#coordinator,
      api: EndTxn,
      body: () => ({ transactionalId: this.#transactionalId, ...idOf(identity), committed }),
      codeOf: answer => answer.errorCode,
      maxVersion: MAX_VERSIONS[this.version].end,
      timeoutMs: this.#options.maxBlockMs
    })
  }

  /** Outside of any transaction. */
  commitOffsetsToGroup(
    offsets: readonly OffsetToCommit[],
    group: GroupMetadata
  ): Promise<CallOutcome<typeof OffsetCommit>> {
    const topics = offsetsByTopic(offsets)
    return this.#calls.call({
      target: { groupCoordinator: group.groupId },
      api: OffsetCommit,
      body: () => ({
        groupId: group.groupId,
        generationIdOrMemberEpoch: group.generationId,
        memberId: group.memberId,
        groupInstanceId: group.groupInstanceId ?? null,
        topics
      }),
      codeOf: offsetsCode,
      timeoutMs: this.#options.maxBlockMs
    })
  }

  get #transactionalId(): string {
    return this.#options.transactionalId!
  }

  get #coordinator(): Target {
    return { transactionCoordinator: this.#transactionalId }
  }
}

function idOf(identity: ProducerIdentity): { producerId: bigint; producerEpoch: number } {
  return { producerId: identity.producerId, producerEpoch: identity.producerEpoch }
}

function offsetsCode(answer: {
  readonly topics: readonly { readonly partitions: readonly { readonly errorCode: number }[] }[]
}): number {
  return decidingCode(answer.topics.flatMap(topic => topic.partitions.map(({ errorCode }) => errorCode)))
}

function offsetsByTopic(offsets: readonly OffsetToCommit[]) {
  return byTopic(offsets, ({ partition, offset, leaderEpoch, metadata }) => ({
    partitionIndex: partition,
    committedOffset: offset,
    committedLeaderEpoch: leaderEpoch ?? -1,
    committedMetadata: metadata
  }))
}

function byTopic<P extends { readonly topic: string }, T>(
  places: readonly P[],
  map: (place: P) => T
): { name: string; partitions: T[] }[] {
  const topics = new Map<string, T[]>()
  for (const place of places) {
    const partitions = topics.get(place.topic)
    if (partitions === undefined) topics.set(place.topic, [map(place)])
    else partitions.push(map(place))
  }
  return Array.from(topics, ([name, partitions]) => ({ name, partitions }))
}
