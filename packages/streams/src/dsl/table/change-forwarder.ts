import type { Change, FlushListener, Headers, ProcessorContext } from '../../core/index.ts'

/** A store that may hold updates back. */
interface FlushingStore<K, V> {
  onFlush(listener: FlushListener<K, V>, sendOldValues: boolean): boolean
}

/**
 * Forwards the changes of a stored table: each at once, or, when the store has a cache, once per key when it is flushed.
 *
 * @see Kafka Streams `TimestampedTupleForwarder`, `TimestampedCacheFlushListener`
 */
export class ChangeForwarder<K, V> {
  private readonly context: ProcessorContext<K, Change<V>>
  private readonly sendsOldValues: boolean
  private readonly isCached: boolean

  constructor(context: ProcessorContext<K, Change<V>>, store: FlushingStore<K, V>, sendsOldValues: boolean) {
    this.context = context
    this.sendsOldValues = sendsOldValues
    this.isCached = store.onFlush((key, change, timestampMs, headers) => {
      context.forward({ key, value: change, timestampMs, headers })
    }, sendsOldValues)
  }

  /** False spares looking them up: they are not asked for, or the cache tells them. */
  get needsOldValues(): boolean {
    return this.sendsOldValues && !this.isCached
  }

  forward(key: K, before: V | null, after: V | null, timestampMs: number, headers: Headers): void {
    if (this.isCached) return
    const value = { before: this.sendsOldValues ? before : null, after, isLatest: true }
    this.context.forward({ key, value, timestampMs, headers })
  }
}
