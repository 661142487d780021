import {
  isStreamsError,
  type KeyValueSerdes,
  murmur2Partition,
  NO_HEADERS,
  type Serde,
  type SerdeContext,
  StreamsError,
  whenSerdeReady
} from '@millrace/streams/core'
import type { Compression, KafkaClient, RecordProducer, TopicAppender } from '@millrace/streams/ports'
import { systemClock, systemEventLoop } from '@millrace/streams/runtime'
import { from, type ObservableInput, Subject, type Subscriber, takeUntil } from 'rxjs'
import { canHold, hold } from './emission.ts'
import type { DeliveryReport, FromObservableOptions, ProducerRecord } from './from-observable.ts'

export interface TopicWritingOptions<K, V, R> {
  readonly client: KafkaClient
  readonly topic: string
  readonly serdes: KeyValueSerdes<K, V>
  readonly maxPendingRecords: number
  readonly maxPendingBytes: number
  readonly whenFull: NonNullable<FromObservableOptions<R>['whenFull']>
  readonly compression: Compression
}

/** A record from its arrival to its report. */
interface Pending<R> {
  readonly record: R
  readonly release: () => void
  /** Undefined before it was serialised. */
  serialized: SerializedRecord | undefined
}

interface SerializedRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  /** Of both. */
  readonly bytes: number
}

/** Records without a key go round the partitions in runs of this length, so that batches stay large. */
const KEYLESS_RUN = 128
/** Of an iterable: how many bytes a record has may be known only when it is its turn. */
const MAX_UNSERIALISED = 64
const CLOSE_TIMEOUT_MS = 5_000

/** One subscription of `fromObservable`: takes from the source, appends, reports. */
export class TopicWriting<K, V, R extends ProducerRecord<K, V>> {
  readonly #o: TopicWritingOptions<K, V, R>
  readonly #subscriber: Subscriber<DeliveryReport<R>>
  /** Ends the subscription to the source, also one that is still within its first synchronous values. */
  readonly #leave = new Subject<void>()
  readonly #keyContext: SerdeContext
  readonly #valueContext: SerdeContext
  /** Arrived and not yet appended. */
  readonly #arrived: Pending<R>[] = []
  /** Appended and not yet written, by partition. */
  readonly #appended = new Map<number, Pending<R>[]>()
  #pendingRecords = 0
  #pendingBytes = 0
  #producer: RecordProducer | undefined
  /** The serdes may be called. */
  #isPrepared: boolean
  /** How the source ended. */
  #ended: { readonly error?: unknown } | undefined
  #isStopped = false
  #keyless = 0
  /** Resolved when there is news for the loop: arrivals, an end, a stop. */
  #news = Promise.withResolvers<void>()
  /** Resolved when something was written. */
  #room = Promise.withResolvers<void>()

  constructor(subscriber: Subscriber<DeliveryReport<R>>, options: TopicWritingOptions<K, V, R>) {
    this.#o = options
    this.#subscriber = subscriber
    this.#keyContext = { topic: options.topic, isKey: true }
    this.#valueContext = { topic: options.topic, isKey: false }
    const { key, value } = options.serdes
    this.#isPrepared = key.prepare === undefined && value.prepare === undefined
  }

  begin(source: ObservableInput<R>): void {
    const iterator = iteratorOf(source)
    if (iterator !== undefined) void this.#pull(iterator)
    else {
      from(source)
        .pipe(takeUntil(this.#leave))
        .subscribe({
          next: record => this.#arrive(record),
          error: error => this.#end({ error }),
          complete: () => this.#end({})
        })
    }
    // Last: when the source turns out to be none, nothing has been opened.
    void this.#run()
  }

  /** Called when the subscription has ended, for whatever reason. */
  stop(): void {
    this.#isStopped = true
    this.#leave.next()
    for (const { release } of this.#arrived) release()
    for (const queue of this.#appended.values()) for (const { release } of queue) release()
    this.#arrived.length = 0
    this.#appended.clear()
    this.#news.resolve()
    this.#room.resolve()
    // Ends a flush that is under way.
    void this.#producer?.close({ timeoutMs: 0 }).catch(() => {})
  }

  // ── the source ───────────────────────────────────────────────────────────────────────────────────────────────────

  #arrive(record: R): void {
    if (this.#ended !== undefined || this.#isStopped) return
    // A source that can be held is made to wait; its own bounds are above ours.
    if (this.#isFull && !canHold()) {
      this.#refuse(record)
      return
    }
    this.#pendingRecords++
    const pending: Pending<R> = { record, release: hold(), serialized: undefined }
    this.#arrived.push(pending)
    if (this.#isPrepared) this.#measure(pending)
    this.#news.resolve()
  }

  /** Serialises a record ahead, so that the bounds know its bytes. What fails is thrown when it is its turn. */
  #measure(pending: Pending<R>): void {
    try {
      this.#serialize(pending)
    } catch {
      // Not yet.
    }
  }

  #serialize(pending: Pending<R>): SerializedRecord {
    if (pending.serialized !== undefined) return pending.serialized
    const { serdes } = this.#o
    const key = serialized(serdes.key, pending.record.key, this.#keyContext)
    const value = serialized(serdes.value, pending.record.value, this.#valueContext)
    pending.serialized = { key, value, bytes: (key?.length ?? 0) + (value?.length ?? 0) }
    this.#pendingBytes += pending.serialized.bytes
    return pending.serialized
  }

  #refuse(record: R): void {
    const { whenFull } = this.#o
    try {
      if (whenFull === 'fail') throw this.#bufferFull()
      whenFull(record)
    } catch (error) {
      this.#end({ error })
      this.#leave.next()
    }
  }

  #end(ended: { readonly error?: unknown }): void {
    this.#ended ??= ended
    this.#news.resolve()
  }

  async #pull(iterator: Iterator<R> | AsyncIterator<R>): Promise<void> {
    try {
      while (!this.#isStopped && this.#ended === undefined) {
        if (this.#isFull || this.#arrived.length >= MAX_UNSERIALISED) {
          await this.#room.promise
          continue
        }
        // An iterator in memory gives no promise; the event loop gets its turn when the bounds are reached.
        const step = iterator.next()
        const result = step instanceof Promise ? await step : (step as IteratorResult<R>)
        if (result.done === true) {
          this.#end({})
          return
        }
        this.#arrive(result.value)
      }
      await iterator.return?.()
    } catch (error) {
      this.#end({ error })
    }
  }

  get #isFull(): boolean {
    const { maxPendingRecords, maxPendingBytes } = this.#o
    return this.#pendingRecords >= maxPendingRecords || this.#pendingBytes >= maxPendingBytes
  }

  #bufferFull(): StreamsError {
    const { topic, maxPendingRecords, maxPendingBytes } = this.#o
    return new StreamsError(
      'RXJS_BUFFER_FULL',
      `The source of fromObservable() gives records for '${topic}' faster than they are written, and cannot be made to wait: ` +
        `${this.#pendingRecords} records (of maxPendingRecords, ${maxPendingRecords}) with ${this.#pendingBytes} bytes (of ` +
        `maxPendingBytes, ${maxPendingBytes}) are pending. Pass an iterable, thin the source out, raise the bounds, or say whenFull.`,
      { details: { topic, pendingRecords: this.#pendingRecords, pendingBytes: this.#pendingBytes } }
    )
  }

  // ── the topic ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Never rejects: errors go to the subscriber. */
  async #run(): Promise<void> {
    const letGo = systemEventLoop.holdOpen()
    let failure: { readonly error?: unknown } = {}
    try {
      failure = await this.#write()
    } catch (error) {
      failure = { error }
    }
    this.#leave.next()
    this.#ended ??= {}
    // Before the report of the end: who has it may close the connection.
    await this.#producer?.close({ timeoutMs: CLOSE_TIMEOUT_MS }).catch(() => {})
    letGo()
    if ('error' in failure) this.#subscriber.error(failure.error)
    else this.#subscriber.complete()
  }

  async #write(): Promise<{ readonly error?: unknown }> {
    const { client, topic, serdes, compression, maxPendingBytes } = this.#o
    await serdes.key.prepare?.(this.#keyContext, 'write')
    await serdes.value.prepare?.(this.#valueContext, 'write')
    this.#isPrepared = true
    for (const pending of this.#arrived) this.#measure(pending)
    const producer = await client.createProducer({
      compression,
      bufferBytes: maxPendingBytes,
      onDelivered: (_topic, partition, baseOffset, recordCount) => this.#delivered(partition, baseOffset, recordCount)
    })
    this.#producer = producer
    const appender = await producer.topic(topic)
    while (!this.#isStopped) {
      const failed = await this.#appendArrived(producer, appender)
      if (failed !== undefined) {
        await producer.flush()
        return failed
      }
      // What arrives while this is under way goes with the next: there is always one batch on its way, and never a wait.
      if (this.#appended.size > 0) {
        await producer.flush()
        // A source and a broker that are both quick would else keep everything else from running.
        await systemEventLoop.nextTurn()
      }
      if (this.#arrived.length > 0) continue
      if (this.#ended !== undefined) return this.#ended
      this.#news = Promise.withResolvers()
      await this.#news.promise
    }
    return {}
  }

  async #appendArrived(
    producer: RecordProducer,
    appender: TopicAppender
  ): Promise<{ readonly error: unknown } | undefined> {
    while (this.#arrived.length > 0 && !producer.full) {
      const pending = this.#arrived[0] as Pending<R>
      try {
        this.#append(appender, pending)
        this.#arrived.shift()
        if (this.#arrived.length === 0) this.#giveRoom()
      } catch (error) {
        const ready = whenSerdeReady(error)
        if (ready === undefined) return { error }
        await ready
      }
    }
    return undefined
  }

  #append(appender: TopicAppender, pending: Pending<R>): void {
    const { timestampMs, headers, partition } = pending.record
    const { key: keyBytes, value: valueBytes } = this.#serialize(pending)
    const to = partition ?? this.#partitionOf(keyBytes, appender.partitionCount)
    appender.append(
      to,
      keyBytes,
      0,
      keyBytes === null ? -1 : keyBytes.length,
      valueBytes,
      0,
      valueBytes === null ? -1 : valueBytes.length,
      timestampMs ?? systemClock.nowMs(),
      headers ?? NO_HEADERS
    )
    const queue = this.#appended.get(to)
    if (queue === undefined) this.#appended.set(to, [pending])
    else queue.push(pending)
  }

  #partitionOf(keyBytes: Uint8Array | null, partitionCount: number): number {
    if (keyBytes !== null) return murmur2Partition(keyBytes, partitionCount)
    return Math.floor(this.#keyless++ / KEYLESS_RUN) % partitionCount
  }

  #delivered(partition: number, baseOffset: number, recordCount: number): void {
    const queue = this.#appended.get(partition)
    if (queue === undefined) return
    const written = queue.splice(0, recordCount)
    if (queue.length === 0) this.#appended.delete(partition)
    for (const [index, { record, release, serialized: content }] of written.entries()) {
      this.#pendingRecords--
      this.#pendingBytes -= content?.bytes ?? 0
      release()
      const offset = baseOffset < 0 ? undefined : baseOffset + index
      this.#subscriber.next({ record, topic: this.#o.topic, partition, offset })
    }
    this.#giveRoom()
  }

  #giveRoom(): void {
    this.#room.resolve()
    this.#room = Promise.withResolvers()
  }
}

function serialized<T>(serde: Serde<T>, value: T | null | undefined, context: SerdeContext): Uint8Array | null {
  if (value === null || value === undefined) return null
  try {
    return serde.serialize(value, context)
  } catch (cause) {
    if (isStreamsError(cause, 'SERDE_NOT_READY')) throw cause
    throw new StreamsError(
      'RECORD_SERIALIZE_FAILED',
      `The ${context.isKey ? 'key' : 'value'} of a record for '${context.topic}' could not be serialised by '${serde.name}': ` +
        `${String(cause)}. Correct the record or the serde.`,
      { cause, details: { topic: context.topic, part: context.isKey ? 'key' : 'value' } }
    )
  }
}

/** The iterator of what can be asked for values; undefined of what gives them by itself. */
function iteratorOf<R>(source: ObservableInput<R>): Iterator<R> | AsyncIterator<R> | undefined {
  if (typeof source !== 'object' || source === null) return undefined
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]()
  if (Symbol.iterator in source) return source[Symbol.iterator]()
  return undefined
}
