import { createKafkaClient, type Transport } from '@millrace/client'
import { NO_HEADERS } from '@millrace/streams/core'
import { type KafkaClient, type RecordProducer, SILENT_LOGGER, type TopicAppender } from '@millrace/streams/ports'
import { systemClock, systemRandom } from '@millrace/streams/runtime'
import { Random } from '../core/core-records.ts'
import { CLICKS, ORDERS, OUTPUTS } from './soak-topology.ts'

const PARTITIONS = 4
const START_MS = 1_767_225_600_000
/** Event time goes on by a millisecond in so many records. */
const RECORDS_PER_MS = 10
/** How many keys there are at a time, and in how many records one goes and another comes. */
const KEYS = 5000
const KEY_LIFE = 20
/** One of so many records is an order, and one of so many comes late. */
const ORDERS_EVERY = 4
const LATE_EVERY = 100
const LATE_MS = 1500
/** What is written may be ahead of what is processed by so much: enough to be fetched, and less than is retained. */
const AHEAD = 200_000
const SLICE = 1000
const INPUT_CONFIGS = { 'retention.ms': '-1', 'retention.bytes': String(2 ** 25), 'segment.bytes': String(2 ** 22) }

/** Writes as fast as the application reads, until it is told to stop. */
export class SoakFeeder {
  /** By the application. */
  processed = 0
  readonly #client: KafkaClient
  readonly #bytes = Buffer.alloc(256)
  readonly #random = new Random()
  #written = 0
  #stopped = false

  constructor(transport: Transport) {
    this.#client = createKafkaClient({ transport, clock: systemClock, random: systemRandom, logger: SILENT_LOGGER })
  }

  async createTopics(): Promise<void> {
    const topic = { partitionCount: PARTITIONS, replicationFactor: 1 }
    await this.#client.admin.createTopics([
      ...[CLICKS, ORDERS].map(name => ({ ...topic, name, configs: INPUT_CONFIGS })),
      ...OUTPUTS.map(name => ({ ...topic, name, configs: {} }))
    ])
  }

  /** Resolves when it has stopped. */
  async run(): Promise<void> {
    const producer = await this.#client.createProducer({})
    const [clicks, orders] = [await producer.topic(CLICKS), await producer.topic(ORDERS)]
    while (!this.#stopped) {
      if (this.#written - this.processed < AHEAD) this.#slice(clicks, orders)
      await this.#pause(producer)
    }
    await producer.close()
    await this.#client.close()
  }

  stop(): void {
    this.#stopped = true
  }

  async #pause(producer: RecordProducer): Promise<void> {
    if (producer.full) await producer.whenWritable()
    else if (this.#written - this.processed < AHEAD) await new Promise(resolve => setImmediate(resolve))
    else await new Promise(resolve => setTimeout(resolve, 5))
  }

  #slice(clicks: TopicAppender, orders: TopicAppender): void {
    const bytes = this.#bytes
    for (let i = 0; i < SLICE; i++) {
      const index = this.#written++
      const key = Math.floor(index / KEY_LIFE) + this.#random.next(KEYS)
      const isOrder = this.#random.next(ORDERS_EVERY) === 0
      const late = this.#random.next(LATE_EVERY) === 0 ? this.#random.next(LATE_MS) : 0
      const timestampMs = Math.max(START_MS, START_MS + Math.floor(index / RECORDS_PER_MS) - late)
      const value = isOrder
        ? `{"amount":${index % 500},"item":"item-${index % 1000}"}`
        : `{"page":"/p/${index % 1000}","ms":${index % 977},"ref":"/start/landing/${index}"}`
      const keyEnd = bytes.write(`user-${key}`, 0, 'latin1')
      const end = keyEnd + bytes.write(value, keyEnd, 'latin1')
      const topic = isOrder ? orders : clicks
      topic.append(key % PARTITIONS, bytes, 0, keyEnd, bytes, keyEnd, end, timestampMs, NO_HEADERS)
    }
  }
}
