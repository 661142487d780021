import {
  deserializeRange,
  isStreamsError,
  type KeyValueSerdes,
  type Serde,
  type SerdeContext,
  StreamsError,
  whenSerdeReady
} from '@millrace/streams/core'
import type { Fetcher, KafkaClient, PartitionReader } from '@millrace/streams/ports'
import { systemClock, systemEventLoop } from '@millrace/streams/runtime'
import type { Subscriber } from 'rxjs'
import { emit } from './emission.ts'
import type { FromTopicOptions, StartPosition } from './from-topic.ts'
import { HeldBounds } from './held-bounds.ts'
import type { TopicRecord } from './topic-record.ts'

export interface TopicReadingOptions<K, V> {
  readonly client: KafkaClient
  readonly topic: string
  readonly serdes: KeyValueSerdes<K, V>
  readonly from: StartPosition
  readonly untilEnd: boolean
  readonly maxHeldRecords: number
  readonly maxHeldBytes: number
  readonly maxBufferedBytes: number
  readonly onDeserializationError: NonNullable<FromTopicOptions['onDeserializationError']>
}

interface Input {
  readonly reader: PartitionReader
  /** Reading ends here; infinite where it does not end. */
  readonly endOffset: number
  /** The record under the reader was not emitted yet: its serde has to wait. */
  hasHead: boolean
}

/** The event loop gets its turn after this long; see the runtime's loop. */
const SLICE_MS = 5
const RECORDS_PER_LOOK = 32
const IDLE_WAIT_MS = 1_000

/** One subscription to a topic, from its first request to its last record. */
export class TopicReading<K, V> {
  readonly #o: TopicReadingOptions<K, V>
  readonly #subscriber: Subscriber<TopicRecord<K, V>>
  readonly #held: HeldBounds
  readonly #keyContext: SerdeContext
  readonly #valueContext: SerdeContext
  #inputs: Input[] = []
  #fetcher: Fetcher | undefined
  #nextInput = 0
  #isStopped = false

  constructor(subscriber: Subscriber<TopicRecord<K, V>>, options: TopicReadingOptions<K, V>) {
    this.#o = options
    this.#subscriber = subscriber
    this.#held = new HeldBounds(options.maxHeldRecords, options.maxHeldBytes)
    this.#keyContext = { topic: options.topic, isKey: true }
    this.#valueContext = { topic: options.topic, isKey: false }
  }

  /** Ends the reading; called when the subscription has ended, for whatever reason. */
  stop(): void {
    this.#isStopped = true
    this.#held.wake()
    this.#fetcher?.wake()
    // Nobody is there any more who could be told that closing failed.
    this.#fetcher?.close().catch(() => {})
  }

  /** Reads until the end or until stopped. Never rejects: errors go to the subscriber. */
  async run(): Promise<void> {
    // While nothing is connected yet, nothing else keeps the process from ending.
    const letGo = systemEventLoop.holdOpen()
    try {
      await this.#start()
      while (!this.#isStopped) if (await this.#turn()) break
      this.#subscriber.complete()
    } catch (error) {
      this.#subscriber.error(error)
    } finally {
      letGo()
    }
  }

  async #start(): Promise<void> {
    const { client, topic, serdes, untilEnd, maxBufferedBytes } = this.#o
    const description = (await client.admin.describeTopics([topic])).get(topic)
    if (description === undefined) {
      throw new StreamsError('TOPIC_MISSING', `fromTopic() reads '${topic}', which does not exist. Create it first.`, {
        details: { topics: [topic] }
      })
    }
    await serdes.key.prepare?.(this.#keyContext, 'read')
    await serdes.value.prepare?.(this.#valueContext, 'read')
    const partitions = Array.from({ length: description.partitionCount }, (_, partition) => partition)
    const starts = await this.#startOffsets(partitions)
    // The high watermark, not the last stable offset: what was just committed may not have its marks in the partition yet.
    const ends = untilEnd ? await this.#offsetsAt('latest', [...starts.keys()], 'read_uncommitted') : undefined
    if (this.#isStopped) return
    const fetcher = client.createFetcher({ isolation: 'read_committed', maxBufferedBytes })
    this.#fetcher = fetcher
    this.#inputs = [...starts].map(([partition, offset]) => ({
      reader: fetcher.add({ topic, partition }, offset),
      endOffset: ends?.get(partition) ?? Number.POSITIVE_INFINITY,
      hasHead: false
    }))
  }

  async #startOffsets(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const { from, topic } = this.#o
    if (from === 'earliest' || from === 'latest') return await this.#offsetsAt(from, partitions)
    if ('timestampMs' in from) {
      const found = await this.#offsetsAt(from.timestampMs, partitions)
      const missing = partitions.filter(partition => (found.get(partition) ?? -1) < 0)
      if (missing.length === 0) return found
      return new Map([...found, ...(await this.#offsetsAt('latest', missing))])
    }
    const unknown = from.offsets.find(({ partition }) => !partitions.includes(partition))
    if (unknown !== undefined) {
      throw new StreamsError(
        'CONFIG_INVALID',
        `fromTopic() is to read partition ${unknown.partition} of '${topic}', which has ${partitions.length}. Correct the offsets.`,
        { details: { topic, partition: unknown.partition, partitionCount: partitions.length } }
      )
    }
    return new Map(from.offsets.map(({ partition, offset }) => [partition, offset]))
  }

  async #offsetsAt(
    at: 'earliest' | 'latest' | number,
    partitions: readonly number[],
    isolation: 'read_committed' | 'read_uncommitted' = 'read_committed'
  ): Promise<Map<number, number>> {
    const { client, topic } = this.#o
    const wanted = partitions.map(partition => ({ topic, partition, at }))
    const found = await client.admin.listOffsets(wanted, isolation)
    return new Map(found.map(({ partition, offset }) => [partition, offset]))
  }

  /** Emits what is there, or waits for more; true at the end. */
  async #turn(): Promise<boolean> {
    const fetcher = this.#fetcher as Fetcher
    let emitted: number
    try {
      emitted = this.#slice()
    } catch (error) {
      const ready = whenSerdeReady(error)
      if (ready === undefined) throw error
      await ready
      return false
    }
    if (this.#isStopped) return false
    if (fetcher.isClosed) {
      throw new StreamsError(
        'CLIENT_CLOSED',
        `The connection by which fromTopic() read '${this.#o.topic}' was closed. Unsubscribe first, or end with takeUntil().`,
        { details: { topic: this.#o.topic } }
      )
    }
    if (this.#inputs.every(({ reader, endOffset, hasHead }) => !hasHead && reader.position >= endOffset)) return true
    if (this.#held.reached) await this.#held.whenRoom()
    else if (emitted > 0) await systemEventLoop.nextTurn()
    else await fetcher.wait(IDLE_WAIT_MS)
    return false
  }

  #slice(): number {
    const deadlineMs = systemClock.monotonicMs() + SLICE_MS
    const inputs = this.#inputs
    let emitted = 0
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[(this.#nextInput + i) % inputs.length] as Input
      while (!this.#isStopped && !this.#held.reached && this.#hasNext(input)) {
        this.#emitHead(input)
        if (++emitted % RECORDS_PER_LOOK === 0 && systemClock.monotonicMs() >= deadlineMs) {
          // Whoever comes next begins the next slice: a full partition starves nobody.
          this.#nextInput = (this.#nextInput + i + 1) % inputs.length
          return emitted
        }
      }
    }
    return emitted
  }

  #hasNext(input: Input): boolean {
    if (input.hasHead) return true
    if (input.reader.position >= input.endOffset || !input.reader.next()) return false
    // A record behind the end may follow one that was skipped, such as an aborted one.
    if (input.reader.offset >= input.endOffset) return false
    input.hasHead = true
    return true
  }

  #emitHead(input: Input): void {
    const { reader } = input
    const record = this.#decode(reader)
    input.hasHead = false
    if (record === undefined) return
    const bytes = Math.max(0, reader.keyEnd - reader.keyStart) + Math.max(0, reader.valueEnd - reader.valueStart)
    emit(this.#held.emission(bytes), () => this.#subscriber.next(record))
  }

  #decode(reader: PartitionReader): TopicRecord<K, V> | undefined {
    const { serdes } = this.#o
    const { topic, partition, offset, timestampMs, buffer } = reader
    let part = 'key'
    try {
      const key = decoded(serdes.key, buffer, reader.keyStart, reader.keyEnd, this.#keyContext)
      part = 'value'
      const value = decoded(serdes.value, buffer, reader.valueStart, reader.valueEnd, this.#valueContext)
      return { topic, partition, offset, key, value, timestampMs, headers: reader.headers() }
    } catch (cause) {
      if (isStreamsError(cause, 'SERDE_NOT_READY')) throw cause
      const error = new StreamsError(
        'RECORD_DESERIALIZE_FAILED',
        `The ${part} of ${topic}-${partition}@${offset} could not be deserialised for fromTopic(): ${String(cause)}. ` +
          "Correct the serde, or set onDeserializationError to 'continue'.",
        { cause, details: { topic, partition, offset, part } }
      )
      const { onDeserializationError: handler } = this.#o
      if ((typeof handler === 'function' ? handler(error) : handler) === 'fail') throw error
      return undefined
    }
  }
}

function decoded<T>(serde: Serde<T>, buffer: Buffer, start: number, end: number, context: SerdeContext): T | null {
  return end < 0 ? null : deserializeRange(serde, buffer, start, end, context)
}
