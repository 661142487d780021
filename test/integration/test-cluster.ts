import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKafkaClient } from '@millrace/client'
import { type KafkaClient, SILENT_LOGGER } from '@millrace/streams/ports'
import { systemClock, systemRandom } from '@millrace/streams/runtime'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { ConfigResourceTypes, Kafka, logLevel, type Message } from 'kafkajs'
import { readTopic } from '../chaos/read-topic.ts'

export interface RawRecord {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: ReadonlyMap<string, Buffer | null>
}

export interface CommittedRecord {
  readonly key: string
  readonly value: string
  readonly timestampMs: number
  readonly partition: number
}

/** Topics, an application id and a state directory of one test's own on a real broker; all gone with `close`. */
export class TestCluster {
  readonly brokers: string
  readonly client: KafkaClient
  readonly applicationId = `it-${randomUUID().slice(0, 8)}`
  readonly stateDir: string
  readonly kafkajs: Kafka
  readonly #stateDirs: string[] = []

  private constructor(brokers: string, stateDir: string) {
    this.brokers = brokers
    this.stateDir = stateDir
    this.#stateDirs.push(stateDir)
    this.kafkajs = new Kafka({ brokers: [brokers], logLevel: logLevel.ERROR })
    this.client = createKafkaClient({
      transport: kafkajsTransport({ brokers: [brokers] }),
      clock: systemClock,
      random: systemRandom,
      logger: SILENT_LOGGER
    })
  }

  /** @param brokers - of a broker that the test may stop; default: the one that all tests share. */
  static async open(brokers = process.env['KAFKA_BROKERS']): Promise<TestCluster> {
    if (brokers === undefined)
      throw new Error('KAFKA_BROKERS is missing: run this with npm run test:broker or test:kafka.')
    const cluster = new TestCluster(brokers, await mkdtemp(join(tmpdir(), 'millrace-test-')))
    await cluster.client.connect()
    return cluster
  }

  /** The name of a topic of this test. */
  name(topic: string): string {
    return `${this.applicationId}-${topic}`
  }

  async newStateDir(): Promise<string> {
    const dir = await mkdtemp(join(tmpdir(), 'millrace-test-'))
    this.#stateDirs.push(dir)
    return dir
  }

  async createTopics(partitionCount: number, ...topics: string[]): Promise<void> {
    await this.client.admin.createTopics(
      topics.map(topic => ({ name: this.name(topic), partitionCount, replicationFactor: 1, configs: {} }))
    )
  }

  /** Resolves when they are gone for every broker. */
  async deleteTopics(...topics: string[]): Promise<void> {
    const names = topics.map(topic => this.name(topic))
    await this.client.admin.deleteTopics(names)
    while ((await this.client.admin.describeTopics(names)).size > 0);
  }

  /** Options of an application of this test. */
  get options() {
    return {
      applicationId: this.applicationId,
      brokers: [this.brokers],
      stateDir: this.stateDir,
      handleSignals: false,
      logger: SILENT_LOGGER,
      sessionTimeoutMs: 6_000
    } as const
  }

  /** Produces with kafkajs. Idempotent: it sends a request again, whole, when one partition of a new topic has no leader yet. */
  async produce(topic: string, messages: Message[]): Promise<void> {
    const producer = this.kafkajs.producer({
      allowAutoTopicCreation: false,
      idempotent: true,
      maxInFlightRequests: 1
    })
    await producer.connect()
    await producer.send({ topic: this.name(topic), messages })
    await producer.disconnect()
  }

  /**
   * Keys and values of the committed records, partition by partition.
   * @param end - 'last-stable' waits for no open transaction
   */
  async read(topic: string, end: 'end' | 'last-stable' = 'end'): Promise<CommittedRecord[]> {
    const records = await readTopic(this.client, this.name(topic), 'read_committed', end)
    return records.map(({ key, value, timestampMs, partition }) => ({
      key,
      value: value.toString(),
      timestampMs,
      partition
    }))
  }

  /** Whole committed records, partition by partition, through a group-less read. */
  async readRaw(topic: string): Promise<RawRecord[]> {
    const name = this.name(topic)
    const count = (await this.client.admin.describeTopics([name])).get(name)?.partitionCount ?? 0
    const partitions = Array.from({ length: count }, (_, partition) => ({ topic: name, partition }))
    const query = async (at: 'earliest' | 'latest') =>
      await this.client.admin.listOffsets(
        partitions.map(partition => ({ ...partition, at })),
        // The marks of what has just been committed may not be there yet: they are waited for.
        'read_uncommitted'
      )
    const [starts, ends] = await Promise.all([query('earliest'), query('latest')])
    const fetcher = this.client.createFetcher({ isolation: 'read_committed', maxBufferedBytes: 16 * 1024 * 1024 })
    const records: RawRecord[] = []
    for (const [index, { partition, offset: end }] of ends.entries()) {
      const reader = fetcher.add({ topic: name, partition }, starts[index]?.offset ?? 0)
      while (reader.position < end) {
        if (!reader.next()) {
          await fetcher.wait(200)
          continue
        }
        records.push({
          partition,
          offset: reader.offset,
          timestampMs: reader.timestampMs,
          key: reader.keyEnd < 0 ? null : Buffer.from(reader.buffer.subarray(reader.keyStart, reader.keyEnd)),
          value: reader.valueEnd < 0 ? null : Buffer.from(reader.buffer.subarray(reader.valueStart, reader.valueEnd)),
          headers: new Map(reader.headers().map(([header, bytes]) => [header, bytes && Buffer.from(bytes)]))
        })
      }
      fetcher.remove({ topic: name, partition })
    }
    await fetcher.close()
    return records
  }

  /** What the application has committed, partition by partition; -1 where it has nothing. */
  async committed(topic: string): Promise<number[]> {
    const name = this.name(topic)
    const count = (await this.client.admin.describeTopics([name])).get(name)?.partitionCount ?? 0
    const partitions = Array.from({ length: count }, (_, partition) => ({ topic: name, partition }))
    const found = await this.client.admin.fetchOffsets(this.applicationId, partitions, { requireStable: true })
    return found.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset)
  }

  async setTopicConfig(topic: string, name: string, value: string): Promise<void> {
    const admin = this.kafkajs.admin()
    await admin.connect()
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: this.name(topic), configEntries: [{ name, value }] }]
    })
    await admin.disconnect()
  }

  async close(): Promise<void> {
    const all = await this.client.admin.describeTopics()
    const mine = [...all.keys()].filter(topic => topic.startsWith(this.applicationId))
    if (mine.length > 0) await this.client.admin.deleteTopics(mine)
    await this.client.admin.deleteGroup(this.applicationId).catch(() => {})
    await this.client.close()
    for (const dir of this.#stateDirs) await rm(dir, { recursive: true, force: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
