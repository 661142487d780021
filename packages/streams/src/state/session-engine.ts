import {
  type FlushListener,
  type KeyValueRow,
  NO_HEADERS,
  type SessionRow,
  type SessionStore,
  type StoreCursor,
  type Windowed
} from '../core/index.ts'
import { integerIn, integersText } from './big-endian-text.ts'
import type { ItemTable } from './item-table.ts'
import { latin1Of } from './latin1.ts'
import type { Row } from './row.ts'
import type { StoreCodec } from './store-codec.ts'
import type { StoreEngine, WindowProgress } from './store-engine.ts'
import { keyTextOf, TimeBucketEngine } from './time-bucket-engine.ts'

/** Of an item key. */
export const SESSION_KEY_BYTES = 16

export interface SessionEngineOptions<K, V> {
  readonly name: string
  readonly table: ItemTable
  readonly codec: StoreCodec<K, V>
  readonly windows: WindowProgress
  readonly retentionMs: number
  readonly timeOrdered: boolean
  /** Time of the record in work, for changelog records. */
  readonly recordTimestampMs: () => number
}

/** Item key: end:i64 start:i64. Changelog key: Kafka Streams' SessionKeySchema, key end:i64 start:i64. */
export class SessionEngine<K, V> extends TimeBucketEngine<K, V> implements StoreEngine, SessionStore<K, V> {
  readonly store = this
  protected readonly itemKeyLength = SESSION_KEY_BYTES
  private readonly recordTimestampMs: () => number
  private readonly keepsExpired: boolean

  constructor(options: SessionEngineOptions<K, V>) {
    super(options.name, options.table, options.codec, options.windows, options.retentionMs, options.timeOrdered)
    this.recordTimestampMs = options.recordTimestampMs
    this.keepsExpired = options.timeOrdered
  }

  fetchSession(key: K, startMs: number, endMs: number): V | undefined {
    if (endMs < this.windows.liveFromMs) return undefined
    const row = this.table.read(this.rootFor(key, endMs), itemKeyOf(startMs, endMs))
    return row === undefined ? undefined : (this.table.valueOf(row) as V)
  }

  getForwarded(key: K, startMs: number, endMs: number): V | undefined {
    if (!this.table.isReadLate) return this.fetchSession(key, startMs, endMs)
    if (endMs < this.windows.committedLiveFromMs) return undefined
    const row = this.table.readForwarded(this.rootFor(key, endMs), itemKeyOf(startMs, endMs))
    return row === undefined ? undefined : (this.table.valueOf(row) as V)
  }

  findSessions(key: K, earliestEndMs: number, latestStartMs: number): readonly SessionRow<V>[] {
    this.collect(key, earliestEndMs, Number.MAX_SAFE_INTEGER - 1)
    const { foundKeys, foundRows } = this
    const sessions: SessionRow<V>[] = []
    for (let i = 0; i < foundKeys.length; i++) {
      const itemKey = foundKeys[i] as string
      const startMs = integerIn(itemKey, 8)
      if (startMs > latestStartMs) continue
      sessions.push({ startMs, endMs: integerIn(itemKey, 0), value: this.table.valueOf(foundRows[i] as Row) as V })
    }
    return sessions
  }

  sessionsByTime(fromEndMs: number, toEndMs: number): StoreCursor<Windowed<K>, V> {
    return this.byTime(fromEndMs, toEndMs, row => this.table.valueOf(row) as V)
  }

  async *fetch(key: K, earliestEndMs = 0, latestStartMs = Number.MAX_SAFE_INTEGER): AsyncGenerator<SessionRow<V>> {
    for (const session of this.findSessions(key, earliestEndMs, latestStartMs)) {
      if (session.endMs >= this.windows.liveFromMs) yield session
    }
  }

  all(): AsyncIterable<KeyValueRow<Windowed<K>, V>> {
    return this.scan(0, Number.MAX_SAFE_INTEGER, row => this.table.valueOf(row) as V)
  }

  put(key: K, value: V | null, startMs: number, endMs: number): boolean {
    if (this.isExpired(endMs)) {
      if (this.table.isCached) {
        const rootKey = this.rootKeyOf(latin1Of(this.codec.encodeKey(key)), endMs)
        this.table.flushHeld(rootKey, itemKeyOf(startMs, endMs))
      }
      return false
    }
    const root = this.rootFor(key, endMs)
    this.table.write(root, itemKeyOf(startMs, endMs), value, this.recordTimestampMs(), NO_HEADERS)
    // Only now: a value that cannot be written must not make others expire.
    this.windows.observe(endMs)
    return true
  }

  remove(key: K, startMs: number, endMs: number): void {
    this.put(key, null, startMs, endMs)
  }

  onFlush(listener: FlushListener<Windowed<K>, V>, sendOldValues: boolean): boolean {
    return this.table.onFlush((key, before, after) => {
      const change = {
        before: before === undefined ? null : (this.table.valueOf(before) as V),
        after: after.deleted ? null : (this.table.valueOf(after) as V),
        isLatest: true
      }
      const split = key.length - SESSION_KEY_BYTES
      const session = this.windowedOf(keyTextOf(key.slice(0, split)), key.slice(split))
      listener(session, change, session.endMs, NO_HEADERS)
    }, sendOldValues)
  }

  restore(changelogKey: Uint8Array, value: Uint8Array | null, timestampMs: number): void {
    const key = latin1Of(changelogKey)
    const endAt = key.length - SESSION_KEY_BYTES
    const endMs = integerIn(key, endAt)
    if (this.isExpired(endMs)) return
    this.windows.observe(endMs)
    this.table.restore(this.rootKeyOf(key.slice(0, endAt), endMs), key.slice(endAt), value, timestampMs)
  }

  /** What is emitted on close may expire before that, so it is kept, though no look-up by key sees it. */
  private isExpired(endMs: number): boolean {
    return endMs < this.windows.liveFromMs && !this.keepsExpired
  }

  protected windowedOf(keyText: string, itemKey: string): Windowed<K> {
    const key = this.codec.decodeKey(keyText, 0, keyText.length)
    return { key, startMs: integerIn(itemKey, 8), endMs: integerIn(itemKey, 0) }
  }
}

function itemKeyOf(startMs: number, endMs: number): string {
  return integersText(endMs, startMs)
}
