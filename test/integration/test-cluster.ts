import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKafkaClient } from '@millrace/client'
import { type KafkaClient, SILENT_LOGGER } from '@millrace/streams/ports'
import { systemClock, systemRandom } from '@millrace/streams/runtime'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { Kafka, logLevel, type Message } from 'kafkajs'
import { readTopic } from '../chaos/read-topic.ts'

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

  static async open(): Promise<TestCluster> {
    const brokers = process.env['KAFKA_BROKERS']
    if (brokers === undefined) throw new Error('KAFKA_BROKERS is missing: run this with npm run test:kafka.')
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

  /** Produces with kafkajs, acknowledged by all. */
  async produce(topic: string, messages: Message[]): Promise<void> {
    const producer = this.kafkajs.producer({ allowAutoTopicCreation: false })
    await producer.connect()
    await producer.send({ topic: this.name(topic), messages })
    await producer.disconnect()
  }

  /** Keys and values of the committed records, partition by partition. */
  async read(topic: string): Promise<{ key: string; value: string; timestampMs: number; partition: number }[]> {
    const records = await readTopic(this.client, this.name(topic), 'read_committed')
    return records.map(({ key, value, timestampMs, partition }) => ({
      key,
      value: value.toString(),
      timestampMs,
      partition
    }))
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
