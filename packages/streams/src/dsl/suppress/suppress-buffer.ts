import type { OrderedKeyValueStore, StreamRecord } from '../../core/index.ts'
import type { Change } from '../../core/index.ts'
import { type BufferedChange, type BufferKey, type BufferRow, BY_TIME_PREFIX } from './suppress-buffer-serdes.ts'

/** Measures what a row takes, for `maxBytes`. */
export type SizeOf<K, V> = (key: BufferKey<K>, row: BufferedChange<V>) => number

const EMPTY = Number.POSITIVE_INFINITY

/**
 * Updates that are held back, one for each key, in order of (time, key). The time is that of the first update of the key
 * since it was emitted last: later ones take its place.
 *
 * @see Kafka Streams `InMemoryTimeOrderedKeyValueChangeBuffer`
 */
export class SuppressBuffer<K, V> {
  private readonly store: OrderedKeyValueStore<BufferKey<K>, BufferRow<V>>
  /** Undefined when nothing is limited: then nothing is counted. */
  private readonly sizeOf: SizeOf<K, V> | undefined
  private readonly counts: boolean
  /** The least time held, so that most updates need not look; undefined until the store was looked at. */
  private minTimeMs: number | undefined
  records = 0
  bytes = 0

  constructor(
    store: OrderedKeyValueStore<BufferKey<K>, BufferRow<V>>,
    options: { readonly counts: boolean; readonly sizeOf: SizeOf<K, V> | undefined }
  ) {
    this.store = store
    this.counts = options.counts
    this.sizeOf = options.sizeOf
  }

  /** The update that is held for the key. */
  get(key: K): BufferedChange<V> | undefined {
    const timeMs = this.store.get({ timeMs: undefined, key }) as number | undefined
    return timeMs === undefined ? undefined : (this.store.get({ timeMs, key }) as BufferedChange<V> | undefined)
  }

  put(timeMs: number, { key, value: change, timestampMs, headers }: StreamRecord<K, Change<V>>): void {
    this.load()
    const heldAtMs = this.store.get({ timeMs: undefined, key }) as number | undefined
    const rowKey = { timeMs: heldAtMs ?? timeMs, key }
    const held = heldAtMs === undefined ? undefined : (this.store.get(rowKey) as BufferedChange<V> | undefined)
    const prior = held === undefined ? change.before : held.prior
    const row = { prior, before: change.before, after: change.after, timestampMs, headers }
    this.store.put(rowKey, row)
    if (this.sizeOf !== undefined) this.bytes += this.sizeOf(rowKey, row) - (held ? this.sizeOf(rowKey, held) : 0)
    if (held !== undefined) return
    this.store.put({ timeMs: undefined, key }, rowKey.timeMs)
    this.records++
    if (rowKey.timeMs < (this.minTimeMs ?? EMPTY)) this.minTimeMs = rowKey.timeMs
  }

  /** Emits the oldest updates, and lets go of them, while they are due. */
  evictWhile(isDue: (timeMs: number) => boolean, emit: (key: K, row: BufferedChange<V>) => void): void {
    if (this.minTimeMs === undefined || this.minTimeMs === EMPTY || !isDue(this.minTimeMs)) return
    const cursor = this.store.prefixCursor(BY_TIME_PREFIX)
    while (cursor.next()) {
      const rowKey = cursor.key
      const timeMs = rowKey.timeMs as number
      if (!isDue(timeMs)) {
        this.minTimeMs = timeMs
        return
      }
      const row = cursor.value as BufferedChange<V>
      emit(rowKey.key, row)
      this.store.put(rowKey, null)
      this.store.put({ timeMs: undefined, key: rowKey.key }, null)
      this.records--
      if (this.sizeOf !== undefined) this.bytes -= this.sizeOf(rowKey, row)
    }
    this.minTimeMs = EMPTY
  }

  /** After a start the store holds what was held before; it can be read only once it was restored. */
  private load(): void {
    if (this.minTimeMs !== undefined) return
    this.minTimeMs = EMPTY
    const cursor = this.store.prefixCursor(BY_TIME_PREFIX)
    while (cursor.next()) {
      const { key } = cursor
      if (this.minTimeMs === EMPTY) this.minTimeMs = key.timeMs as number
      if (!this.counts) return
      this.records++
      if (this.sizeOf !== undefined) this.bytes += this.sizeOf(key, cursor.value as BufferedChange<V>)
    }
  }
}
