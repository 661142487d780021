import type { Consumer, Kafka } from 'kafkajs'
import { type Delays, DelayTable } from './delay-table.ts'
import { type FlightTopics, PARTITION_COUNT } from './flight-topics.ts'

const START_BYTES = 8
const FETCH_WAIT_MS = 100
const END_TIMEOUT_MS = 60_000

/** Follows both output topics with an ordinary Kafka consumer, which sees committed transactions only. */
export class ResultsReader {
  readonly groupId: string
  readonly weekly = new DelayTable()
  readonly moving = new DelayTable()
  readonly #kafka: Kafka
  readonly #topics: FlightTopics
  readonly #consumer: Consumer
  readonly #nextOffsets = new Map<string, number>()
  #onProgress: () => void = () => {}
  #failure: Error | undefined

  constructor(kafka: Kafka, topics: FlightTopics) {
    this.groupId = `${topics.prefix}-reader`
    this.#kafka = kafka
    this.#topics = topics
    this.#consumer = kafka.consumer({ groupId: this.groupId, maxWaitTimeInMs: FETCH_WAIT_MS, readUncommitted: false })
  }

  async start(): Promise<void> {
    const { weekly, moving } = this.#topics
    // After batches of messages, and also after ones that hold nothing but the marks of ended transactions.
    this.#consumer.on('consumer.end_batch_process', ({ payload: { topic, partition, lastOffset } }) => {
      this.#nextOffsets.set(`${topic} ${partition}`, Number(lastOffset) + 1)
      this.#onProgress()
    })
    this.#consumer.on('consumer.crash', ({ payload }) => {
      if (payload.restart) return
      this.#failure = payload.error
      this.#onProgress()
    })
    await this.#consumer.connect()
    await this.#consumer.subscribe({ topics: [weekly, moving], fromBeginning: true })
    await this.#consumer.run({
      autoCommit: false,
      eachMessage: async ({ topic, message: { key, value } }) => {
        const table = topic === weekly ? this.weekly : this.moving
        table.set(readRow(key as Buffer, value as Buffer))
      }
    })
  }

  /** Resolves when everything that is in the topics now has been read. */
  async readToEnd(signal: AbortSignal): Promise<void> {
    const ends = await this.#ends()
    const behind = () => [...ends].filter(([partition, end]) => (this.#nextOffsets.get(partition) ?? 0) < end)
    const timer = setTimeout(() => {
      this.#failure = new Error(
        `The output was not read to its end in ${END_TIMEOUT_MS / 1000} s; unread: ${behind().join('; ')}.`
      )
      this.#onProgress()
    }, END_TIMEOUT_MS)
    const onAbort = () => this.#onProgress()
    signal.addEventListener('abort', onAbort)
    try {
      while (behind().length > 0) {
        await new Promise<void>(resolve => {
          this.#onProgress = resolve
          if (signal.aborted || this.#failure !== undefined) resolve()
        })
        signal.throwIfAborted()
        if (this.#failure !== undefined) throw this.#failure
      }
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }

  async close(): Promise<void> {
    await this.#consumer.disconnect()
  }

  /**
   * Where each partition ends now. The offsets that `admin.fetchTopicOffsets` gives won't do: they stop before transactions
   * that are committed but not yet marked so in the partition. So a record is written to each, which tells its offset, and
   * taken back with its transaction: nobody sees it, and the reader can't pass it before all that came earlier.
   */
  async #ends(): Promise<Map<string, number>> {
    const producer = this.#kafka.producer({
      transactionalId: `${this.groupId}-end`,
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false
    })
    await producer.connect()
    try {
      const transaction = await producer.transaction()
      const topics = [this.#topics.weekly, this.#topics.moving]
      const messages = Array.from({ length: PARTITION_COUNT }, (_, partition) => ({ partition, value: 'end' }))
      const written = await transaction.sendBatch({ topicMessages: topics.map(topic => ({ topic, messages })) })
      await transaction.abort()
      return new Map(
        written.map(({ topicName, partition, baseOffset }) => [`${topicName} ${partition}`, Number(baseOffset)])
      )
    } finally {
      await producer.disconnect()
    }
  }
}

/** The key is the state's text and the window's start as 8 bytes, as Kafka Streams writes windowed keys; the value is JSON. */
function readRow(key: Buffer, value: Buffer) {
  const stateEnd = key.length - START_BYTES
  return {
    state: key.toString('utf8', 0, stateEnd),
    startMs: Number(key.readBigInt64BE(stateEnd)),
    ...(JSON.parse(value.toString()) as Delays)
  }
}
