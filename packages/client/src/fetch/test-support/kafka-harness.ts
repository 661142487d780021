import { randomBytes } from 'node:crypto'
import { DeleteRecords } from '@millrace/protocol'
import { type Fetcher, type FetcherOptions, SILENT_LOGGER } from '@millrace/streams/ports'
import { systemClock } from '@millrace/streams/runtime'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { Kafka, logLevel, type Message, Partitioners, type Producer } from 'kafkajs'
import type { Cluster } from '../../cluster.ts'
import { createCluster } from '../../index.ts'
import { RealTopics } from '../../test-support/real-topics.ts'
import { createFetcher } from '../fetcher.ts'

const brokers = process.env.KAFKA_BROKERS?.split(',')

/** A cluster of ours on a real broker, and kafkajs's ordinary producers as other people's clients. Topics go with it. */
export class KafkaHarness {
  readonly cluster: Cluster
  /** Fetch requests sent so far in this test. */
  fetchCount = 0
  readonly #fetchers: Fetcher[] = []
  readonly #prefix = `fetch-test-${randomBytes(4).toString('hex')}`
  readonly #kafka: Kafka
  readonly #topics: RealTopics
  readonly #closing: (() => Promise<void>)[] = []
  #laneCount = 0

  private constructor(addresses: string[]) {
    this.#kafka = new Kafka({ brokers: addresses, logLevel: logLevel.NOTHING })
    const transport = kafkajsTransport({ brokers: addresses })
    this.cluster = createCluster({ transport, clock: systemClock, random: Math.random, logger: SILENT_LOGGER })
    this.#topics = new RealTopics(this.cluster, this.#prefix)
  }

  static open(): KafkaHarness {
    if (brokers === undefined) throw new Error('KAFKA_BROKERS is not set: it names the broker that this test talks to.')
    return new KafkaHarness(brokers)
  }

  async close(): Promise<void> {
    for (const close of this.#closing.reverse()) await close()
    await this.#topics.delete()
    await this.cluster.close()
  }

  async createTopic(partitionCount: number, configs: Readonly<Record<string, string>> = {}): Promise<string> {
    return await this.#topics.create(partitionCount, configs)
  }

  async deleteRecords(topic: string, partition: number, offset: number): Promise<void> {
    await this.cluster.topics([topic])
    const nodeId = this.cluster.leader(topic, partition)?.nodeId ?? -1
    const partitions = [{ partitionIndex: partition, offset }]
    await this.cluster.request({ nodeId }, DeleteRecords, { topics: [{ name: topic, partitions }], timeoutMs: 10_000 })
  }

  async producer(transactionalId?: string): Promise<Producer> {
    const producer = this.#kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      ...(transactionalId === undefined
        ? {}
        : { transactionalId: `${this.#prefix}-${transactionalId}`, idempotent: true, maxInFlightRequests: 1 })
    })
    await producer.connect()
    this.#closing.push(() => producer.disconnect())
    return producer
  }

  async send(topic: string, messages: readonly Message[]): Promise<void> {
    await (await this.producer()).send({ topic, messages: [...messages] })
  }

  fetcher(options: Partial<FetcherOptions> = {}, cluster: Cluster = this.cluster): Fetcher {
    const fetcher = createFetcher({
      cluster: this.#counting(cluster),
      clock: systemClock,
      random: Math.random,
      logger: SILENT_LOGGER,
      lane: `fetch-${++this.#laneCount}`,
      options: { isolation: 'read_committed', maxBufferedBytes: 16 * 1024 * 1024, ...options }
    })
    this.#fetchers.push(fetcher)
    return fetcher
  }

  /** After each test: a fetcher goes on asking. */
  async closeFetchers(): Promise<void> {
    for (const fetcher of this.#fetchers.splice(0)) await fetcher.close()
    this.fetchCount = 0
  }

  #counting(cluster: Cluster): Cluster {
    return intercept(cluster, (target, api, body, options) => {
      if (api.name === 'Fetch') this.fetchCount++
      return cluster.request(target, api, body, options)
    })
  }
}

/** The same cluster, its requests going through `request`. */
export function intercept(cluster: Cluster, request: Cluster['request']): Cluster {
  return {
    request,
    versionFor: (target, api, options) => cluster.versionFor(target, api, options),
    topics: names => cluster.topics(names),
    allTopics: () => cluster.allTopics(),
    leader: (topic, partition) => cluster.leader(topic, partition),
    cachedTopic: name => cluster.cachedTopic(name),
    refresh: names => cluster.refresh(names),
    forgetCoordinator: target => cluster.forgetCoordinator(target),
    closeLane: lane => cluster.closeLane(lane),
    close: () => cluster.close()
  }
}
