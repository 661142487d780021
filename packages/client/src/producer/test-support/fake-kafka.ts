import type { Api, RequestOf, ResponseOf } from '@millrace/protocol'
import { StreamsError } from '@millrace/streams/core'
import type { Clock } from '@millrace/streams/ports'
import type { Cluster, PartitionLeader, RequestOptions, Target, TopicMetadata } from '../../cluster.ts'
import { FakePartition } from './fake-partition.ts'
import { type FakeGroup, FakeTransaction } from './fake-transaction.ts'

/**
 * What befalls a request.
 *
 * - `lost`: it never arrives, and is not answered. `unanswered`: it is carried out.
 * - `late`: it is not answered, and carried out after a while. `duplicated`: it is carried out twice.
 * - `stalled`: it is carried out, and found unanswered only after later ones have been answered.
 * - `code`: it is answered with an error in each of its places, carried out all the same if `carriedOut`.
 */
export type Fault =
  | { readonly kind: 'lost' | 'unanswered' | 'stalled' | 'late' | 'duplicated' }
  | { readonly kind: 'code'; readonly code: number; readonly carriedOut?: boolean }
  | { readonly kind: 'silent' }

export interface SeenRequest {
  readonly number: number
  readonly name: string
  // biome-ignore lint/suspicious/noExplicitAny: the request of any API
  readonly body: any
  readonly maxVersion: number | undefined
  readonly atMs: number
}

const UNKNOWN_TOPIC_OR_PARTITION = 3
const NOT_LEADER_OR_FOLLOWER = 6
const ILLEGAL_GENERATION = 22
const INVALID_TXN_STATE = 48
const LATENCY_MS = 1
const LATE_MS = 40
const STALL_MS = 20

/** Two brokers with their partitions, transactions and groups behind the Cluster interface, in virtual time. */
export class FakeKafka implements Cluster {
  readonly partitions = new Map<string, FakePartition>()
  readonly transactions = new Map<string, FakeTransaction>()
  readonly groups = new Map<string, FakeGroup>()
  readonly requests: SeenRequest[] = []
  /** Where it is not the name. */
  readonly topicIds = new Map<string, string>()
  fault: (request: SeenRequest) => Fault | undefined = () => undefined
  /** The finalized feature `transaction.version`. */
  transactionVersion: number
  refreshes = 0
  concurrentProduces = 0
  maxConcurrentProduces = 0
  readonly #clock: Clock
  readonly #knownLeaders = new Map<string, number>()
  #nextProducerId = 1000n

  constructor(clock: Clock, transactionVersion: number) {
    this.#clock = clock
    this.transactionVersion = transactionVersion
  }

  addTopic(topic: string, partitionCount: number): void {
    this.growTopic(topic, partitionCount, 0)
  }

  growTopic(topic: string, partitionCount: number, from = this.cachedTopic(topic)!.partitions.length): void {
    for (let partition = from; partition < partitionCount; partition++) {
      const added = new FakePartition()
      added.leaderId = 1 + (partition % 2)
      this.partitions.set(`${topic}-${partition}`, added)
      this.#knownLeaders.set(`${topic}-${partition}`, added.leaderId)
    }
  }

  /** The producer's metadata goes on naming it until it is read anew. */
  deleteTopic(topic: string): void {
    for (let partition = 0; this.partitions.delete(`${topic}-${partition}`); partition++);
  }

  partition(topic: string, partition: number): FakePartition {
    return this.partitions.get(`${topic}-${partition}`)!
  }

  group(groupId: string): FakeGroup {
    let group = this.groups.get(groupId)
    if (group === undefined) {
      this.groups.set(groupId, (group = { generationId: 1, committed: new Map(), pending: new Map() }))
    }
    return group
  }

  async request<A extends Api>(
    target: Target,
    api: A,
    body: RequestOf<A>,
    options: RequestOptions = {}
  ): Promise<ResponseOf<A>> {
    const request: SeenRequest = {
      number: this.requests.length,
      name: api.name,
      // The sender may stamp a batch anew while an old attempt is still on its way.
      body: structuredCloneOf(body),
      maxVersion: options.maxVersion,
      atMs: this.#clock.monotonicMs()
    }
    this.requests.push(request)
    if (api.name === 'Produce') {
      this.concurrentProduces++
      this.maxConcurrentProduces = Math.max(this.maxConcurrentProduces, this.concurrentProduces)
    }
    const fault = this.fault(request)
    const carryOut = (): unknown => this.#carryOut(request, target)
    let answer: unknown
    if (fault === undefined) answer = carryOut()
    else if (fault.kind === 'silent') await new Promise(() => {})
    else if (fault.kind === 'unanswered' || fault.kind === 'stalled') carryOut()
    else if (fault.kind === 'late') this.#clock.setTimer(LATE_MS, carryOut)
    else if (fault.kind === 'duplicated') {
      answer = carryOut()
      carryOut()
    } else if (fault.kind === 'code') {
      if (fault.carriedOut) carryOut()
      answer = errorAnswer(request, fault.code)
    }
    await new Promise<void>(resolve => this.#clock.setTimer(fault?.kind === 'stalled' ? STALL_MS : LATENCY_MS, resolve))
    if (api.name === 'Produce') this.concurrentProduces--
    if (answer === undefined) throw new StreamsError('CLIENT_REQUEST_TIMED_OUT', `${api.name} was not answered`)
    return answer as ResponseOf<A>
  }

  async versionFor(_target: Target, api: Api): Promise<number> {
    return api.maxVersion
  }

  async topics(names: readonly string[]): Promise<ReadonlyMap<string, TopicMetadata>> {
    const found = new Map<string, TopicMetadata>()
    for (const name of names) {
      const topic = this.cachedTopic(name)
      if (topic !== undefined) found.set(name, topic)
    }
    return found
  }

  async allTopics(): Promise<readonly TopicMetadata[]> {
    return []
  }

  leader(topic: string, partition: number): PartitionLeader | undefined {
    const nodeId = this.#knownLeaders.get(`${topic}-${partition}`)
    return nodeId === undefined ? undefined : { nodeId, leaderEpoch: 0 }
  }

  cachedTopic(name: string): TopicMetadata | undefined {
    const partitions = []
    for (let partition = 0; this.partitions.has(`${name}-${partition}`); partition++) {
      partitions.push({ partition, leaderId: 1, leaderEpoch: 0, replicaIds: [1, 2] })
    }
    return partitions.length === 0
      ? undefined
      : { name, topicId: this.topicIds.get(name) ?? name, internal: false, partitions }
  }

  async refresh(): Promise<void> {
    this.refreshes++
    await new Promise<void>(resolve => this.#clock.setTimer(LATENCY_MS, resolve))
    this.#knownLeaders.clear()
    for (const [name, partition] of this.partitions) this.#knownLeaders.set(name, partition.leaderId)
  }

  forgetCoordinator(): void {}

  closeLane(): void {}

  async close(): Promise<void> {}

  #carryOut({ name, body, maxVersion = 99 }: SeenRequest, target: Target): unknown {
    switch (name) {
      case 'ApiVersions':
        return {
          errorCode: 0,
          finalizedFeatures: [
            { name: 'transaction.version', maxVersionLevel: this.transactionVersion, minVersionLevel: 0 }
          ]
        }
      case 'InitProducerId':
        return this.#initProducerId(body)
      case 'AddPartitionsToTxn': {
        const partitions = body.v3AndBelowTopics.flatMap((topic: { name: string; partitions: number[] }) =>
          topic.partitions.map(partition => this.partition(topic.name, partition))
        )
        const code = this.transactions
          .get(body.v3AndBelowTransactionalId)!
          .add(body.v3AndBelowProducerId, body.v3AndBelowProducerEpoch, partitions, [])
        return partitionCodes(body, code)
      }
      case 'AddOffsetsToTxn':
        return {
          errorCode: this.transactions
            .get(body.transactionalId)!
            .add(body.producerId, body.producerEpoch, [], [this.group(body.groupId)])
        }
      case 'TxnOffsetCommit':
        return this.#txnOffsetCommit(body, maxVersion >= 5)
      case 'OffsetCommit': {
        const group = this.group(body.groupId)
        const fresh = body.generationIdOrMemberEpoch === group.generationId
        if (fresh) storeOffsets(body, group.committed)
        return topicCodes(body, fresh ? 0 : ILLEGAL_GENERATION)
      }
      case 'EndTxn': {
        const transaction = this.transactions.get(body.transactionalId)!
        const errorCode = transaction.end(body.producerId, body.producerEpoch, body.committed, Math.min(maxVersion, 5))
        return { errorCode, producerId: transaction.producerId, producerEpoch: transaction.epoch }
      }
      case 'Produce':
        return this.#produce(body, (target as { nodeId: number }).nodeId, maxVersion >= 12)
    }
    throw new Error(`the fake broker does not know ${name}`)
  }

  #initProducerId(body: { transactionalId: string | null; producerId: bigint; producerEpoch: number }): unknown {
    if (body.transactionalId === null) return { errorCode: 0, producerId: this.#nextProducerId++, producerEpoch: 0 }
    let transaction = this.transactions.get(body.transactionalId)
    if (transaction === undefined) {
      transaction = new FakeTransaction(this.#clock, this.#nextProducerId++)
      this.transactions.set(body.transactionalId, transaction)
    }
    const errorCode = transaction.initialise(body.producerId, body.producerEpoch)
    if (errorCode !== 0) return { errorCode, producerId: -1n, producerEpoch: -1 }
    return { errorCode, producerId: transaction.producerId, producerEpoch: transaction.epoch }
  }

  // biome-ignore lint/suspicious/noExplicitAny: the request as decoded
  #txnOffsetCommit(body: any, implicit: boolean): unknown {
    const group = this.group(body.groupId)
    const transaction = this.transactions.get(body.transactionalId)!
    if (body.generationId !== group.generationId) return topicCodes(body, ILLEGAL_GENERATION)
    let code = transaction.check(body.producerId, body.producerEpoch)
    if (code === 0 && implicit) code = transaction.add(body.producerId, body.producerEpoch, [], [group])
    if (code === 0 && !transaction.groups.has(group)) code = INVALID_TXN_STATE
    if (code === 0) storeOffsets(body, group.pending)
    return topicCodes(body, code)
  }

  // biome-ignore lint/suspicious/noExplicitAny: the request as decoded
  #produce(body: any, nodeId: number, implicit: boolean): unknown {
    return {
      // biome-ignore lint/suspicious/noExplicitAny: the request as decoded
      responses: body.topicData.map((topic: any) => ({
        name: topic.name,
        partitionResponses: topic.partitionData.map((data: { index: number; records: Buffer }) => {
          const result = this.#append(topic.name, data, nodeId, body.transactionalId, implicit)
          return partitionAnswer(data.index, result.errorCode, result.baseOffset, result.invalidIndexes)
        })
      }))
    }
  }

  #append(
    topic: string,
    { index, records }: { index: number; records: Buffer },
    nodeId: number,
    transactionalId: string | null,
    implicit: boolean
  ): { errorCode: number; baseOffset: number; invalidIndexes: number[] } {
    const refuse = (errorCode: number) => ({ errorCode, baseOffset: -1, invalidIndexes: [] })
    const partition = this.partitions.get(`${topic}-${index}`)
    if (partition === undefined) return refuse(UNKNOWN_TOPIC_OR_PARTITION)
    if (partition.leaderId !== nodeId) return refuse(NOT_LEADER_OR_FOLLOWER)
    if (transactionalId !== null) {
      const transaction = this.transactions.get(transactionalId)!
      const producerId = records.readBigInt64BE(43)
      const epoch = records.readInt16BE(51)
      if (transaction.check(producerId, epoch) !== 0) return refuse(47)
      // What is out of sequence is refused before it is added; a probe with an empty result would be simpler than Kafka is.
      if (implicit) {
        const code = transaction.add(producerId, epoch, [partition], [])
        if (code !== 0) return refuse(code)
      } else if (!transaction.partitions.has(partition)) return refuse(INVALID_TXN_STATE)
    }
    return partition.append(records, implicit)
  }
}

// biome-ignore lint/suspicious/noExplicitAny: requests of any kind
function structuredCloneOf(value: any): any {
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  if (Array.isArray(value)) return value.map(structuredCloneOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, structuredCloneOf(field)]))
}

// biome-ignore lint/suspicious/noExplicitAny: the request as decoded
function storeOffsets(body: any, into: Map<string, number>): void {
  for (const topic of body.topics) {
    for (const { partitionIndex, committedOffset } of topic.partitions) {
      into.set(`${topic.name}-${partitionIndex}`, committedOffset)
    }
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the request as decoded
function topicCodes(body: any, errorCode: number): unknown {
  return {
    // biome-ignore lint/suspicious/noExplicitAny: the request as decoded
    topics: body.topics.map((topic: any) => ({
      name: topic.name,
      partitions: topic.partitions.map(({ partitionIndex }: { partitionIndex: number }) => ({
        partitionIndex,
        errorCode
      }))
    }))
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the request as decoded
function partitionCodes(body: any, partitionErrorCode: number): unknown {
  return {
    // biome-ignore lint/suspicious/noExplicitAny: the request as decoded
    resultsByTopicV3AndBelow: body.v3AndBelowTopics.map((topic: any) => ({
      name: topic.name,
      resultsByPartition: topic.partitions.map((partitionIndex: number) => ({ partitionIndex, partitionErrorCode }))
    }))
  }
}

function partitionAnswer(index: number, errorCode: number, baseOffset: number, invalidIndexes: number[] = []): unknown {
  return {
    index,
    errorCode,
    baseOffset,
    recordErrors: invalidIndexes.map(batchIndex => ({ batchIndex, batchIndexErrorMessage: 'invalid' })),
    errorMessage: null
  }
}

function errorAnswer({ name, body }: SeenRequest, code: number): unknown {
  if (name === 'AddPartitionsToTxn') return partitionCodes(body, code)
  if (name === 'TxnOffsetCommit' || name === 'OffsetCommit') return topicCodes(body, code)
  if (name === 'Produce') {
    return {
      // biome-ignore lint/suspicious/noExplicitAny: the request as decoded
      responses: body.topicData.map((topic: any) => ({
        name: topic.name,
        partitionResponses: topic.partitionData.map(({ index }: { index: number }) => partitionAnswer(index, code, -1))
      }))
    }
  }
  return { errorCode: code, producerId: -1n, producerEpoch: -1, finalizedFeatures: [] }
}
