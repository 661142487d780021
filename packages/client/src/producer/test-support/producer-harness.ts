import { randomBytes } from 'node:crypto'
import { CreatePartitions } from '@millrace/protocol'
import { StreamsError } from '@millrace/streams/core'
import { type IsolationLevel, type RecordProducer, SILENT_LOGGER } from '@millrace/streams/ports'
import { systemClock } from '@millrace/streams/runtime'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { type Consumer, Kafka, logLevel } from 'kafkajs'
import type { Cluster } from '../../cluster.ts'
import { createFetcher } from '../../fetch/index.ts'
import { createCluster } from '../../index.ts'
import { RealTopics } from '../../test-support/real-topics.ts'
import { createProducer } from '../index.ts'
import type { ClientProducerOptions } from '../producer-options.ts'

/** Producers of ours on a real broker, and kafkajs as other people's client. Topics and groups go with it. */
export class ProducerHarness {
  readonly cluster: Cluster
  readonly prefix = `produce-test-${randomBytes(4).toString('hex')}`
  readonly #kafka: Kafka
  readonly #topics: RealTopics
  readonly #groups = new Set<string>()
  readonly #closing: (() => Promise<void>)[] = []

  private constructor(brokers: string[]) {
    this.#kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
    const transport = kafkajsTransport({ brokers })
    this.cluster = createCluster({ transport, clock: systemClock, random: Math.random, logger: SILENT_LOGGER })
    this.#topics = new RealTopics(this.cluster, this.prefix)
  }

  static open(): ProducerHarness {
    const brokers = process.env.KAFKA_BROKERS?.split(',')
    if (brokers === undefined) throw new Error('KAFKA_BROKERS is not set: it names the broker that this test talks to.')
    return new ProducerHarness(brokers)
  }

  async close(): Promise<void> {
    for (const close of this.#closing.reverse()) await close()
    await this.#topics.delete()
    for (const groupId of this.#groups) await this.#topics.admin.deleteGroup(groupId)
    await this.cluster.close()
  }

  async createTopic(partitionCount: number, configs: Readonly<Record<string, string>> = {}): Promise<string> {
    return await this.#topics.create(partitionCount, configs)
  }

  /** Until brokers tell of it. */
  async growTopic(topic: string, partitionCount: number): Promise<void> {
    const topics = [{ name: topic, count: partitionCount, assignments: null }]
    await this.cluster.request({ controller: true }, CreatePartitions, {
      topics,
      timeoutMs: 30_000,
      validateOnly: false
    })
    do await this.cluster.refresh([topic])
    while (this.cluster.cachedTopic(topic)?.partitions.length !== partitionCount)
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.#topics.admin.deleteTopics([topic])
  }

  async producer(options: ClientProducerOptions = {}, cluster: Cluster = this.cluster): Promise<RecordProducer> {
    const producer = await createProducer({
      cluster,
      clock: systemClock,
      random: Math.random,
      logger: SILENT_LOGGER,
      options
    })
    this.#closing.push(() => producer.close())
    return producer
  }

  /** Of partition 0, when no open transaction holds it any more: markers are written after EndTxn was answered. */
  async committedOffset(groupId: string, topic: string): Promise<number> {
    this.#groups.add(groupId)
    const [committed] = await this.#topics.admin.fetchOffsets(groupId, [{ topic, partition: 0 }], {
      requireStable: true
    })
    return committed?.offset ?? -1
  }

  consumer(groupId: string): Consumer {
    const consumer = this.#kafka.consumer({ groupId })
    this.#closing.push(() => consumer.disconnect())
    return consumer
  }

  /** All values by partition, once every transaction has its marker. */
  async read(topic: string, isolation: IsolationLevel = 'read_committed'): Promise<string[][]> {
    const partitionCount = (await this.cluster.topics([topic])).get(topic)!.partitions.length
    const fetcher = createFetcher({
      cluster: this.cluster,
      clock: systemClock,
      random: Math.random,
      logger: SILENT_LOGGER,
      lane: 'read-back',
      options: { isolation, maxBufferedBytes: 16 * 1024 * 1024, maxWaitMs: 50 }
    })
    const values: string[][] = []
    const readers = Array.from({ length: partitionCount }, (_, partition) => {
      values.push([])
      return fetcher.add({ topic, partition }, 0)
    })
    const ended = (): boolean =>
      readers.every(({ highWatermark, lastStableOffset, position }) => {
        return highWatermark >= 0 && lastStableOffset === highWatermark && position >= highWatermark
      })
    do {
      await fetcher.wait(1000)
      for (const reader of readers) {
        while (reader.next()) {
          const { buffer, valueStart, valueEnd } = reader
          values[reader.partition]!.push(buffer.toString('utf8', valueStart, valueEnd))
        }
      }
    } while (!ended())
    await fetcher.close()
    return values
  }

  /** The same cluster, but some answers get lost on their way back. */
  losingAnswers(lose: (apiName: string) => boolean): Cluster {
    const { cluster } = this
    const request: Cluster['request'] = async (target, api, body, options) => {
      const answer = await cluster.request(target, api, body, options)
      if (lose(api.name)) throw new StreamsError('CLIENT_REQUEST_TIMED_OUT', `The answer to ${api.name} was lost`)
      return answer
    }
    return new Proxy(cluster, {
      get(_, name) {
        if (name === 'request') return request
        const value: unknown = Reflect.get(cluster, name)
        return typeof value === 'function' ? value.bind(cluster) : value
      }
    })
  }
}
