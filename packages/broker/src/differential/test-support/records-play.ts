import {
  CreateTopics,
  DeleteRecords,
  DescribeProducers,
  Fetch,
  InitProducerId,
  ListOffsets,
  Metadata,
  OffsetForLeaderEpoch,
  Produce,
  RecordBatchBuilder,
  RecordBatchCursor
} from '@millrace/protocol'
import type { Random } from '@millrace/streams/ports'
import { WireClient } from '../../test-support/wire-client.ts'
import { errorName, eventually, Names, type Side } from './side.ts'

const PARTITIONS = 2
const COMPRESSIONS = ['none', 'gzip', 'lz4', 'snappy', 'zstd'] as const
const SETTINGS: readonly Readonly<Record<string, string>>[] = [
  {},
  { 'message.timestamp.type': 'LogAppendTime' },
  { 'cleanup.policy': 'compact' },
  { 'max.message.bytes': '300' },
  { 'message.timestamp.before.max.ms': '3600000', 'message.timestamp.after.max.ms': '3600000' },
  { 'cleanup.policy': 'compact,delete', 'retention.bytes': '100000000' }
]
const SPECIAL_TIMES = [-1, -2, -3]
const WRONG_SETTINGS = [
  ['cleanup.policy', 'none'],
  ['retention.ms', 'x'],
  ['no.such', '1'],
  ['segment.bytes', '1'],
  ['compression.type', 'lz4'],
  ['min.insync.replicas', '0'],
  ['retention.ms', '-1']
] as const

interface Writer {
  producerId: bigint
  producerEpoch: number
  readonly sequences: Map<number, number>
}

/**
 * Writes, reads and deletes records of a topic as chance says, on one of two brokers: batches of every kind, good and
 * bad, any offset and bound. What is written down is the same on both if they agree.
 */
export class RecordsPlay {
  readonly log: string[] = []
  readonly #random: Random
  readonly #topic: string
  readonly #client: WireClient
  readonly #producers = new Names('p')
  readonly #writers: Writer[] = []
  readonly #nowMs: number
  #deleted = false
  readonly #settings: Readonly<Record<string, string>>

  constructor(side: Side, random: Random, topic: string, nowMs: number) {
    this.#random = random
    this.#topic = topic
    this.#nowMs = nowMs
    this.#client = WireClient.dial(side.address)
    this.#producers.of(-1n)
    this.#settings = this.#oneOf(SETTINGS)
  }

  async run(stepCount: number): Promise<readonly string[]> {
    await this.#create()
    for (let step = 0; step < stepCount; step++) await this.#step()
    for (let partition = 0; partition < PARTITIONS; partition++) await this.#describe(partition)
    this.#client.close()
    return this.log
  }

  async #create(): Promise<void> {
    const configs = Object.entries(this.#settings).map(([name, value]) => ({ name, value }))
    const topics = [{ name: this.#topic, numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs }]
    const answer = await this.#client.send(CreateTopics, 7, { topics, timeoutMs: 30_000 })
    this.#write('create', answer.topics[0]?.errorCode ?? 0)
    await eventually(async () => {
      const partitions = Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1 }))
      const topics = [{ name: this.#topic, partitions }]
      const ends = await this.#client.send(ListOffsets, 5, { replicaId: -1, topics })
      return ends.topics.every(topic => topic.partitions.every(({ errorCode }) => errorCode === 0))
    })
  }

  #step(): Promise<void> {
    const what = this.#random()
    const partition = this.#random() < 0.95 ? this.#below(PARTITIONS) : PARTITIONS
    if (what < 0.04 || this.#writers.length === 0) return this.#newWriter()
    if (what < 0.25) return this.#produce(partition)
    if (what < 0.45) return this.#produceInSequence(partition)
    if (what < 0.7) return this.#fetch(partition)
    if (what < 0.83) return this.#listOffsets(partition)
    if (what < 0.88) return this.#deleteRecords(partition)
    if (what < 0.92) return this.#endOfEpoch(partition)
    if (what < 0.95) return this.#metadata()
    if (what < 0.98) return this.#wouldCreate()
    return this.#describe(partition)
  }

  async #newWriter(): Promise<void> {
    const request = { transactionalId: null, transactionTimeoutMs: 60_000 }
    let answer = await this.#client.send(InitProducerId, 4, request)
    // A Kafka that has just been started has no ids to give yet.
    await eventually(async () => {
      if (errorName(answer.errorCode) !== 'COORDINATOR_LOAD_IN_PROGRESS') return true
      answer = await this.#client.send(InitProducerId, 4, request)
      return false
    })
    const { errorCode, producerId, producerEpoch } = answer
    if (errorCode !== 0) throw new Error(errorName(errorCode))
    this.#writers.push({ producerId, producerEpoch, sequences: new Map() })
    this.#write('writer', 0, this.#producers.of(producerId))
  }

  /** Without sequences; now and then something that is to be refused. */
  async #produce(partition: number): Promise<void> {
    const compression = this.#oneOf(COMPRESSIONS)
    const batch = this.#batch({ compression })
    const how = this.#random()
    if (how < 0.04) batch[17] = (batch[17] as number) ^ 1
    else if (how < 0.08) batch[16] = 1
    else if (how < 0.12) batch.writeInt32BE(batch.length, 8)
    // Not null, which Kafka does not answer.
    const records = how < 0.14 ? Buffer.alloc(0) : how < 0.18 ? Buffer.concat([batch, batch]) : batch
    await this.#send(partition, records, compression)
  }

  async #produceInSequence(partition: number): Promise<void> {
    const writer = this.#oneOf(this.#writers)
    const known = writer.sequences.get(partition) ?? 0
    const how = this.#random()
    const count = 1 + this.#below(3)
    let baseSequence = known
    let producerEpoch = writer.producerEpoch
    if (how < 0.1) baseSequence = Math.max(0, known - 1 - this.#below(8))
    else if (how < 0.2) baseSequence += 1 + this.#below(4)
    else if (how < 0.25) producerEpoch++
    else if (how < 0.3) producerEpoch--
    else if (how < 0.35) baseSequence = 0
    const { producerId } = writer
    if (producerEpoch < 0) producerEpoch = 0
    const batch = this.#batch({ producerId, producerEpoch, baseSequence }, count)
    const accepted = await this.#send(
      partition,
      batch,
      `${this.#producers.of(producerId)} ${producerEpoch} ${baseSequence}`
    )
    if (!accepted) return
    writer.producerEpoch = Math.max(writer.producerEpoch, producerEpoch)
    writer.sequences.set(partition, Math.max(producerEpoch > 0 && baseSequence === 0 ? 0 : known, baseSequence + count))
  }

  #batch(options: Parameters<RecordBatchBuilder['build']>[0], count = 1 + this.#below(5)): Buffer {
    const builder = new RecordBatchBuilder()
    const withoutKey = this.#random() < 0.1
    for (let i = 0; i < count; i++) {
      const key = withoutKey ? null : Buffer.from(`k${this.#below(4)}`)
      const value = this.#random() < 0.2 ? null : Buffer.alloc(this.#below(120), 'v')
      const timestampMs = this.#timestamp()
      builder.append(key, 0, key?.length ?? -1, value, 0, value?.length ?? -1, timestampMs, [])
    }
    return builder.build(options)
  }

  /** Bounds of topics are an hour, so that it does not matter when a request arrives. */
  #timestamp(): number {
    const how = this.#random()
    if (how < 0.05) return -1
    if (how < 0.08) return this.#nowMs + (how < 0.065 ? -2 : 2) * 3_600_000
    return this.#nowMs - 8000 + this.#below(12) * 1000
  }

  async #send(index: number, records: Buffer | null, what: string): Promise<boolean> {
    const version = 3 + this.#below(10)
    const acks = this.#oneOf([-1, -1, -1, 1, 1, 2])
    const name = this.#random() < 0.03 ? `${this.#topic}-missing` : this.#topic
    const topicData = [{ name, partitionData: [{ index, records }] }]
    const answer = await this.#client.send(Produce, version, { acks, timeoutMs: 30_000, topicData })
    const { errorCode, baseOffset, logAppendTimeMs, logStartOffset, recordErrors } =
      answer.responses[0]!.partitionResponses[0]!
    const wrong = recordErrors.map(({ batchIndex }) => batchIndex).join(',')
    const stamped = logAppendTimeMs >= 0 ? 'stamped' : 'not stamped'
    this.#write(
      `produce ${what} to ${index} v${version} acks ${acks}`,
      errorCode,
      `at ${baseOffset}, from ${logStartOffset}, ${stamped}, wrong ${wrong}`
    )
    return errorCode === 0
  }

  async #fetch(partition: number): Promise<void> {
    const version = 4 + this.#below(9)
    const fetchOffset = this.#below(40) - 1
    const partitionMaxBytes = this.#oneOf([0, 1, 90, 250, 1 << 20])
    const maxBytes = this.#oneOf([0, 100, 1 << 20])
    const answer = await this.#client.send(Fetch, version, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes,
      isolationLevel: this.#below(2),
      topics: [
        {
          topic: this.#topic,
          partitions: [{ partition, fetchOffset, partitionMaxBytes, currentLeaderEpoch: this.#epoch() }]
        }
      ]
    } as never)
    const { errorCode, highWatermark, lastStableOffset, logStartOffset, records, abortedTransactions } =
      answer.responses[0]!.partitions[0]!
    this.#write(
      `fetch ${fetchOffset} of ${partition} v${version} within ${partitionMaxBytes} and ${maxBytes}`,
      errorCode,
      `${logStartOffset} ${lastStableOffset} ${highWatermark} ${abortedTransactions?.length} ${this.#tell(records, fetchOffset)}`
    )
  }

  #tell(records: Buffer | readonly Buffer[] | null, fetchOffset: number): string {
    if (records === null) return 'null'
    const bytes = records as Buffer
    const cursor = new RecordBatchCursor()
    cursor.reset(bytes, Math.max(fetchOffset, 0))
    const seen: string[] = []
    while (cursor.next()) {
      const time = this.#stamped ? '' : `@${cursor.timestampMs - this.#nowMs}`
      seen.push(`${cursor.offset}${time}:${cursor.keyEnd - cursor.keyStart}/${cursor.valueEnd - cursor.valueStart}`)
    }
    return `${bytes.length} bytes: ${seen.join(' ')}`
  }

  async #listOffsets(partitionIndex: number): Promise<void> {
    const version = 1 + this.#below(9)
    const timestamp =
      this.#random() < 0.5
        ? this.#oneOf(SPECIAL_TIMES.slice(0, version < 7 ? 2 : 3))
        : this.#nowMs - 8500 + this.#below(26) * 500
    const partitions = [{ partitionIndex, timestamp, currentLeaderEpoch: this.#epoch() }]
    const topics = [{ name: this.#topic, partitions }]
    const answer = await this.#client.send(ListOffsets, version, {
      replicaId: -1,
      isolationLevel: this.#below(2),
      topics
    })
    const found = answer.topics[0]!.partitions[0]!
    const time = found.timestamp < 0 ? found.timestamp : this.#stamped ? 'a time' : found.timestamp - this.#nowMs
    // When records are stamped by the broker, which of them a time finds is chance.
    // Kafka drops a segment below the start some time later; until then it knows of its highest timestamp.
    const byTime = (this.#stamped && timestamp >= 0) || (timestamp === -3 && (this.#stamped || this.#deleted))
    const asked = timestamp < 0 ? timestamp : timestamp - this.#nowMs
    const offset = byTime ? 'any' : found.offset
    this.#write(
      `list ${asked} of ${partitionIndex} v${version}`,
      found.errorCode,
      `${offset} ${byTime ? '' : time} ${found.leaderEpoch}`
    )
  }

  async #deleteRecords(partitionIndex: number): Promise<void> {
    const offset = this.#below(20) - 2
    const topics = [{ name: this.#topic, partitions: [{ partitionIndex, offset }] }]
    const answer = await this.#client.send(DeleteRecords, this.#below(3), { topics, timeoutMs: 30_000 })
    this.#deleted = true
    const { errorCode, lowWatermark } = answer.topics[0]!.partitions[0]!
    this.#write(`delete below ${offset} of ${partitionIndex}`, errorCode, String(lowWatermark))
  }

  async #endOfEpoch(partition: number): Promise<void> {
    const leaderEpoch = this.#below(4) - 1
    const topics = [{ topic: this.#topic, partitions: [{ partition, currentLeaderEpoch: this.#epoch(), leaderEpoch }] }]
    const version = 2 + this.#below(3)
    const answer = await this.#client.send(OffsetForLeaderEpoch, version, { replicaId: -1, topics } as never)
    const found = answer.topics[0]!.partitions[0]!
    this.#write(
      `end of epoch ${leaderEpoch} of ${partition}`,
      found.errorCode,
      `${found.leaderEpoch} ${found.endOffset}`
    )
  }

  async #metadata(): Promise<void> {
    const version = 4 + this.#below(9)
    const names = this.#random() < 0.5 ? [this.#topic] : [this.#topic, `${this.#topic}-missing`, 'a b']
    const answer = await this.#client.send(Metadata, version, {
      topics: names.map(name => ({ name })),
      allowAutoTopicCreation: false
    })
    const told = answer.topics
      .map(({ name, errorCode, partitions }) => `${name?.slice(-3)} ${errorName(errorCode)} ${partitions.length}`)
      .toSorted()
    this.#write(`metadata v${version}`, 0, told.join('; '))
  }

  async #wouldCreate(): Promise<void> {
    const configs = this.#random() < 0.5 ? [] : [this.#oneOf(WRONG_SETTINGS)].map(([name, value]) => ({ name, value }))
    const name = this.#oneOf([this.#topic, `${this.#topic}-b`, 'a b', '.', '', 'x'.repeat(250)])
    const numPartitions = this.#oneOf([-1, 0, 1, 3, -2])
    const replicationFactor = this.#oneOf([-1, 0, 1, 2, -2])
    const topics = [{ name, numPartitions, replicationFactor, assignments: [], configs }]
    const request = { topics, timeoutMs: 30_000, validateOnly: true }
    const answer = await this.#client.send(CreateTopics, 2 + this.#below(6), request)
    const { errorCode } = answer.topics[0]!
    const setting = configs.map(({ name, value }) => `${name}=${value}`).join()
    this.#write(`create '${name.slice(0, 9)}' ${numPartitions} ${replicationFactor} ${setting}`, errorCode)
  }

  async #describe(partition: number): Promise<void> {
    const topics = [{ name: this.#topic, partitionIndexes: [partition] }]
    const answer = await this.#client.send(DescribeProducers, 0, { topics })
    const { errorCode, activeProducers } = answer.topics[0]!.partitions[0]!
    const told = activeProducers.map(
      ({ producerId, producerEpoch, lastSequence, coordinatorEpoch, currentTxnStartOffset }) =>
        [this.#producers.of(producerId), producerEpoch, lastSequence, coordinatorEpoch, currentTxnStartOffset].join(' ')
    )
    this.#write(`producers of ${partition}`, errorCode, told.toSorted().join('; '))
  }

  get #stamped(): boolean {
    return this.#settings['message.timestamp.type'] === 'LogAppendTime'
  }

  #epoch(): number {
    return this.#oneOf([-1, -1, 0, 0, 0, 1])
  }

  #write(what: string, errorCode: number, more = ''): void {
    this.log.push(`${what}: ${errorName(errorCode)} ${more}`)
  }

  #below(n: number): number {
    return Math.floor(this.#random() * n)
  }

  #oneOf<T>(values: readonly T[]): T {
    return values[this.#below(values.length)] as T
  }
}
