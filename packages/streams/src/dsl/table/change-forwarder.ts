import {
  type Change,
  type FlushListener,
  type Headers,
  type ProcessorContext,
  VERSION_IS_LATEST,
  VERSION_NOT_PUT
} from '../../core/index.ts'

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

  /** @param isStored - false when the store did not take the update, so that no cache will forward it. */
  forward(key: K, before: V | null, after: V | null, timestampMs: number, headers: Headers, isStored = true): void {
    if (this.isCached && isStored) return
    const value = { before: this.sendsOldValues ? before : null, after, isLatest: true }
    this.context.forward({ key, value, timestampMs, headers })
  }

  /** @param put - what the store's put returned: a store with history may not take an update, or not as the latest. */
  forwardPut(
    key: K,
    before: V | null,
    after: V | null,
    timestampMs: number,
    headers: Headers,
    put: number | void
  ): void {
    if (this.isCached || put === VERSION_NOT_PUT) return
    const isLatest = put === undefined || put === VERSION_IS_LATEST
    const value = { before: this.sendsOldValues ? before : null, after, isLatest }
    this.context.forward({ key, value, timestampMs, headers })
  }
}
