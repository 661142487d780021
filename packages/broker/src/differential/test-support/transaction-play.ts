import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  DescribeTransactions,
  EndTxn,
  Fetch,
  InitProducerId,
  ListOffsets,
  ListTransactions,
  OffsetFetch,
  Produce,
  RecordBatchBuilder,
  TxnOffsetCommit
} from '@millrace/protocol'
import { type Random, systemClock } from '@millrace/streams/ports'
import { WireClient } from '../../test-support/wire-client.ts'
import { errorName, Names, type Side } from './side.ts'

/** A producer as it believes itself to be; another may have its transactional id meanwhile. */
interface Actor {
  readonly index: number
  producerId: bigint
  producerEpoch: number
  /** By partition, in this epoch. */
  readonly sequences: Map<number, number>
}

/** Kafka is still busy, with markers or with what it read from disk: ask again. */
const BUSY = new Set([
  'CONCURRENT_TRANSACTIONS',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR',
  'NOT_ENOUGH_REPLICAS'
])
const DECIDED = new Set(['PrepareCommit', 'PrepareAbort'])
/** Kafka tries a marker again only after a while, and has been seen to leave those of all transactions for forty seconds. */
const PATIENCE_MS = 120_000
const ASK_AGAIN_MS = 5
const READ_UNCOMMITTED = 0
const READ_COMMITTED = 1

/**
 * Two producers who share a transactional id and do what chance says, in transactions of both versions, on one of two
 * brokers. What is written down is the same on both if they agree.
 */
export class TransactionPlay {
  readonly log: string[] = []
  readonly #random: Random
  readonly #topic: string
  readonly #client: WireClient
  readonly #producers = new Names('p')
  readonly #actors: readonly Actor[] = [0, 1].map(index => ({
    index,
    producerId: -1n,
    producerEpoch: -1,
    sequences: new Map()
  }))

  constructor(side: Side, random: Random, topic: string) {
    this.#random = random
    this.#topic = topic
    this.#client = WireClient.dial(side.address)
    this.#producers.of(-1n)
    this.#producers.of(0n)
  }

  async run(stepCount: number): Promise<readonly string[]> {
    for (const actor of this.#actors.slice(0, 1)) await this.#init(actor, false)
    for (let step = 0; step < stepCount; step++) {
      await this.#step()
      await this.#settle()
    }
    await this.#look()
    this.#client.close()
    return this.log
  }

  async #step(): Promise<void> {
    const [who, what, how, which] = [this.#random(), this.#random(), this.#random(), this.#random()]
    const actor = this.#actors[who < 0.75 ? 0 : 1] as Actor
    const partition = which < 0.5 ? 0 : 1
    if (what < 0.08) return this.#init(actor, how < 0.5)
    if (what < 0.2) return this.#addPartitions(actor, partition, how)
    if (what < 0.45) return this.#produce(actor, partition, how < 0.5 ? 12 : how < 0.7 ? 11 : 9)
    if (what < 0.52) return this.#addOffsets(actor, how)
    if (what < 0.65) return this.#commitOffsets(actor, how < 0.5 ? 5 : how < 0.75 ? 4 : 3, which)
    if (what < 0.9) return this.#end(actor, which < 0.6, how < 0.6 ? 5 : 3)
    if (what < 0.93) return this.#verify(actor, partition)
    return this.#look()
  }

  async #init(actor: Actor, goesOn: boolean): Promise<void> {
    const { producerId, producerEpoch } = goesOn ? actor : { producerId: -1n, producerEpoch: -1 }
    const before = this.#tell(producerId, producerEpoch)
    const answer = await this.#whileBusy(
      () =>
        this.#client.send(InitProducerId, 5, {
          transactionalId: this.#topic,
          transactionTimeoutMs: 60_000,
          producerId,
          producerEpoch
        }),
      ({ errorCode }) => errorCode
    )
    this.#write(
      actor,
      `init ${before}: ${errorName(answer.errorCode)} ${this.#tell(answer.producerId, answer.producerEpoch)}`
    )
    if (answer.errorCode === 0) this.#become(actor, answer)
  }

  async #addPartitions(actor: Actor, partition: number, how: number): Promise<void> {
    const partitions = how < 0.9 ? [partition] : [partition, 9]
    const version = how < 0.5 ? 3 : 1
    const answer = await this.#whileBusy(
      () =>
        this.#client.send(AddPartitionsToTxn, version, {
          v3AndBelowTransactionalId: how < 0.05 ? 'nobody' : this.#topic,
          v3AndBelowProducerId: actor.producerId,
          v3AndBelowProducerEpoch: actor.producerEpoch,
          v3AndBelowTopics: [{ name: this.#topic, partitions }]
        }),
      answered => answered.resultsByTopicV3AndBelow[0]?.resultsByPartition[0]?.partitionErrorCode ?? 0
    )
    const told = answer.resultsByTopicV3AndBelow.flatMap(topic =>
      topic.resultsByPartition.map(one => `${one.partitionIndex} ${errorName(one.partitionErrorCode)}`)
    )
    this.#write(actor, `add v${version}: ${told.sort().join()}`)
  }

  async #verify(actor: Actor, partition: number): Promise<void> {
    const { producerId, producerEpoch } = actor
    const topics = [{ name: this.#topic, partitions: [partition] }]
    const answer = await this.#client.send(AddPartitionsToTxn, 4, {
      transactions: [{ transactionalId: this.#topic, producerId, producerEpoch, verifyOnly: true, topics }]
    })
    const told = answer.resultsByTransaction.flatMap(({ topicResults }) =>
      topicResults.flatMap(topic => topic.resultsByPartition.map(one => errorName(one.partitionErrorCode)))
    )
    this.#write(actor, `verify: ${errorName(answer.errorCode)} ${told.join()}`)
  }

  async #produce(actor: Actor, partition: number, version: number): Promise<void> {
    const { producerId, producerEpoch } = actor
    const sequence = actor.sequences.get(partition) ?? 0
    const answer = await this.#whileBusy(
      () =>
        this.#client.send(Produce, version, {
          transactionalId: this.#topic,
          acks: -1,
          timeoutMs: 10_000,
          topicData: [
            {
              name: this.#topic,
              partitionData: [{ index: partition, records: batch(producerId, producerEpoch, sequence) }]
            }
          ]
        }),
      answered => answered.responses[0]?.partitionResponses[0]?.errorCode ?? 0
    )
    const { errorCode, baseOffset } = answer.responses[0]?.partitionResponses[0] ?? { errorCode: -1, baseOffset: -1 }
    if (errorCode === 0) actor.sequences.set(partition, sequence + 1)
    this.#write(actor, `produce v${version} ${partition} #${sequence}: ${writeError(errorCode)} ${baseOffset}`)
  }

  async #addOffsets(actor: Actor, how: number): Promise<void> {
    const version = how < 0.5 ? 4 : 1
    const answer = await this.#whileBusy(
      () =>
        this.#client.send(AddOffsetsToTxn, version, {
          transactionalId: this.#topic,
          producerId: actor.producerId,
          producerEpoch: actor.producerEpoch,
          groupId: this.#topic
        }),
      ({ errorCode }) => errorCode
    )
    this.#write(actor, `add offsets v${version}: ${errorName(answer.errorCode)}`)
  }

  async #commitOffsets(actor: Actor, version: number, which: number): Promise<void> {
    const committedOffset = Math.floor(which * 1000)
    const partitions = [0, which < 0.8 ? 1 : 9].map(partitionIndex => ({
      partitionIndex,
      committedOffset,
      committedMetadata: null
    }))
    const answer = await this.#whileBusy(
      () =>
        this.#client.send(TxnOffsetCommit, version, {
          transactionalId: this.#topic,
          groupId: this.#topic,
          producerId: actor.producerId,
          producerEpoch: actor.producerEpoch,
          generationId: which > 0.95 ? 3 : -1,
          topics: [{ name: this.#topic, partitions }]
        }),
      answered => answered.topics[0]?.partitions[0]?.errorCode ?? 0
    )
    const told = answer.topics.flatMap(topic =>
      topic.partitions.map(({ partitionIndex, errorCode }) => `${partitionIndex} ${writeError(errorCode)}`)
    )
    this.#write(actor, `commit offsets v${version} ${committedOffset}: ${told.sort().join()}`)
  }

  async #end(actor: Actor, committed: boolean, version: number): Promise<void> {
    const before = this.#tell(actor.producerId, actor.producerEpoch)
    const answer = await this.#whileBusy(
      () =>
        this.#client.send(EndTxn, version, {
          transactionalId: this.#topic,
          producerId: actor.producerId,
          producerEpoch: actor.producerEpoch,
          committed
        }),
      ({ errorCode }) => errorCode
    )
    const { errorCode, producerId, producerEpoch } = answer
    const what = `end v${version} ${before} ${committed ? 'commit' : 'abort'}`
    this.#write(actor, `${what}: ${errorName(errorCode)} ${this.#tell(producerId, producerEpoch)}`)
    if (errorCode === 0 && version >= 5) this.#become(actor, answer)
  }

  /** Everything that can be seen from outside. */
  async #look(): Promise<void> {
    const { transactionStates } = await this.#client.send(DescribeTransactions, 0, { transactionalIds: [this.#topic] })
    for (const state of transactionStates) {
      const { errorCode, transactionState, transactionTimeoutMs, topics, producerId, producerEpoch } = state
      // Brokers may keep offsets in topics of different size.
      const parts = topics.map(({ topic, partitions }) =>
        topic.startsWith('__') ? topic : `${topic} ${partitions.sort().join()}`
      )
      const told = [errorName(errorCode), transactionState, transactionTimeoutMs, this.#tell(producerId, producerEpoch)]
      this.log.push(`describe: ${told.join(' ')} [${parts.sort().join()}]`.replaceAll(this.#topic, 't'))
    }
    const listed = await this.#client.send(ListTransactions, 2, {
      stateFilters: ['Ongoing', 'Odd'],
      producerIdFilters: [],
      transactionalIdPattern: `${this.#topic}.*`
    })
    this.log.push(
      `list: ${listed.unknownStateFilters.join()} ${listed.transactionStates.map(one => one.transactionState).join()}`
    )
    for (const requireStable of [true, false]) {
      const topics = [{ name: this.#topic, partitionIndexes: [0, 1] }]
      const { groups } = await this.#client.send(OffsetFetch, 8, {
        groups: [{ groupId: this.#topic, topics }],
        requireStable
      })
      const told = groups.flatMap(group =>
        group.topics.flatMap(topic => topic.partitions.map(one => `${one.committedOffset} ${errorName(one.errorCode)}`))
      )
      this.log.push(`offsets ${requireStable}: ${told.join()}`)
    }
    for (const partition of [0, 1]) {
      for (const isolationLevel of [READ_UNCOMMITTED, READ_COMMITTED]) await this.#read(partition, isolationLevel)
    }
  }

  async #read(partition: number, isolationLevel: number): Promise<void> {
    const ends = await this.#client.send(ListOffsets, 5, {
      replicaId: -1,
      isolationLevel,
      topics: [{ name: this.#topic, partitions: [{ partitionIndex: partition, timestamp: -1 }] }]
    })
    const { responses } = await this.#client.send(Fetch, 11, {
      maxWaitMs: 0,
      minBytes: 0,
      isolationLevel,
      topics: [{ topic: this.#topic, partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }]
    })
    const read = responses[0]?.partitions[0]
    if (read === undefined) throw new Error('Nothing was read.')
    const aborted = read.abortedTransactions?.map(
      one => `${this.#producers.of(one.producerId)} from ${one.firstOffset}`
    )
    const end = ends.topics[0]?.partitions[0]?.offset
    const facts = [
      errorName(read.errorCode),
      end,
      read.highWatermark,
      read.lastStableOffset,
      `[${aborted?.join() ?? 'not told'}]`
    ]
    this.log.push(`read ${partition} ${isolationLevel}: ${facts.join(' ')} ${this.#batches(read.records)}`)
  }

  #batches(records: Buffer | null): string {
    const told = []
    for (let at = 0; records !== null && at + 61 <= records.length; at += 12 + records.readInt32BE(at + 8)) {
      const isControl = (records.readInt16BE(at + 21) & 0x20) !== 0
      const producer = this.#tell(records.readBigInt64BE(at + 43), records.readInt16BE(at + 51))
      // The type of a marker stands at the end of its record's key.
      const kind = isControl ? (records[at + 61 + 8] === 1 ? 'commit' : 'abort') : 'data'
      told.push(`${records.readBigInt64BE(at)} ${kind} of ${producer}`)
    }
    return told.join(', ')
  }

  /** Kafka writes markers after it has answered. */
  async #settle(): Promise<void> {
    for (const untilMs = systemClock.monotonicMs() + PATIENCE_MS; systemClock.monotonicMs() < untilMs; await pause()) {
      const { transactionStates } = await this.#client.send(DescribeTransactions, 0, {
        transactionalIds: [this.#topic]
      })
      if (transactionStates.every(({ transactionState }) => !DECIDED.has(transactionState))) return
    }
    throw new Error('The transaction never ended.')
  }

  async #whileBusy<T>(ask: () => Promise<T>, errorOf: (answer: T) => number): Promise<T> {
    for (const untilMs = systemClock.monotonicMs() + PATIENCE_MS; ; await pause()) {
      const answer = await ask()
      if (systemClock.monotonicMs() >= untilMs || !BUSY.has(errorName(errorOf(answer)))) return answer
    }
  }

  #become(actor: Actor, { producerId, producerEpoch }: { producerId: bigint; producerEpoch: number }): void {
    if (actor.producerId !== producerId || actor.producerEpoch !== producerEpoch) actor.sequences.clear()
    actor.producerId = producerId
    actor.producerEpoch = producerEpoch
  }

  #tell(producerId: bigint, producerEpoch: number): string {
    return `${this.#producers.of(producerId)}/${producerEpoch}`
  }

  #write(actor: Actor, text: string): void {
    this.log.push(`${actor.index} ${text}`)
  }
}

/**
 * Which of these two it is depends on the version; but Kafka checks writes of several transactions at once, and then tells
 * all of them in the version of the first.
 */
const NOT_IN_TRANSACTION = new Set(['TRANSACTION_ABORTABLE', 'INVALID_TXN_STATE'])

function writeError(code: number): string {
  const name = errorName(code)
  return NOT_IN_TRANSACTION.has(name) ? 'not in the transaction' : name
}

/** One transactional record. Of an old one the log would begin a new segment with each marker, and a read ends there. */
function batch(producerId: bigint, producerEpoch: number, baseSequence: number): Buffer {
  const builder = new RecordBatchBuilder()
  const value = Buffer.from('value')
  builder.append(null, 0, -1, value, 0, value.length, systemClock.nowMs(), [])
  return builder.build({ producerId, producerEpoch, baseSequence, transactional: true })
}

/** Between two questions to a real broker that works on its own: on the port of time, as all that waits. */
async function pause(): Promise<void> {
  await new Promise<void>(resolve => systemClock.setTimer(ASK_AGAIN_MS, resolve))
}
