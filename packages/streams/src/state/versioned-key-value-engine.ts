import {
  type KeyValueRow,
  NO_HEADERS,
  VERSION_IS_LATEST,
  VERSION_NOT_PUT,
  type VersionedKeyValueStore,
  type VersionedRecord
} from '../core/index.ts'
import { integerIn, integerText } from './big-endian-text.ts'
import type { ItemTable } from './item-table.ts'
import { latin1Of } from './latin1.ts'
import { GROUP, isRootOf } from './page-tree.ts'
import type { Entry, Row, TimestampedRow } from './row.ts'
import type { StoreCodec } from './store-codec.ts'
import type { ItemRestoring, ObservedTime, StoreEngine } from './store-engine.ts'

const FIRST = integerText(0)
const LAST = '\xff\xff\xff\xff\xff\xff\xff\xff'

/**
 * The versions of a key are a group, keyed by the time from which each is valid; deletions are items too. Versions past
 * the history retention are removed when their key is next put. The changelog has key, value and time of each put.
 *
 * @see Kafka Streams `RocksDBVersionedStore`
 */
export class VersionedKeyValueEngine<K, V> implements StoreEngine, ItemRestoring, VersionedKeyValueStore<K, V> {
  readonly name: string
  readonly table: ItemTable
  readonly observed: ObservedTime
  readonly windows = undefined
  readonly store = this
  readonly restoring = this
  readonly historyRetentionMs: number
  private readonly codec: StoreCodec<K, V>

  constructor(
    name: string,
    table: ItemTable,
    codec: StoreCodec<K, V>,
    observed: ObservedTime,
    historyRetentionMs: number
  ) {
    this.name = name
    this.table = table
    this.codec = codec
    this.observed = observed
    this.historyRetentionMs = historyRetentionMs
  }

  get(key: K): VersionedRecord<V> | undefined {
    const latest = this.table.tree.floor(this.rootOf(key), LAST)
    return latest === undefined || latest.deleted ? undefined : this.recordOf(latest, undefined)
  }

  getAsOf(key: K, asOfMs: number): VersionedRecord<V> | undefined {
    const { tree } = this.table
    const root = this.rootOf(key)
    const version = asOfMs < 0 ? undefined : tree.floor(root, integerText(asOfMs))
    if (version === undefined || version.deleted) return undefined
    const at = tree.seek(root, tree.floorKey, false)
    const validToMs = at < 0 ? undefined : integerIn(tree.seekPage.keyAt(at) as string, 0)
    // Beyond the history there is only what never ended.
    if (validToMs !== undefined && asOfMs < this.historyFromMs) return undefined
    return this.recordOf(version, validToMs)
  }

  versions(key: K, fromMs: number, toMs: number): readonly VersionedRecord<V>[] {
    const root = this.rootOf(key)
    const keys: string[] = []
    const rows: Row[] = []
    this.table.tree.collect(root, FIRST, undefined, keys, rows)
    const found: VersionedRecord<V>[] = []
    for (let i = 0; i < keys.length; i++) {
      const row = rows[i] as TimestampedRow
      const next = keys[i + 1]
      const validToMs = next === undefined ? undefined : integerIn(next, 0)
      if (row.deleted || row.timestampMs > toMs) continue
      if (validToMs !== undefined && (validToMs <= fromMs || validToMs <= this.historyFromMs)) continue
      found.push(this.recordOf(row, validToMs))
    }
    return found
  }

  async *all(): AsyncGenerator<KeyValueRow<K, VersionedRecord<V>>> {
    for await (const [rootKey] of this.table.pages.scan('', undefined)) {
      if (!isRootOf(GROUP, rootKey)) continue
      const latest = this.table.tree.floor(this.table.rootOf(rootKey), LAST)
      if (latest === undefined || latest.deleted) continue
      yield { key: this.codec.decodeKey(rootKey, 0, rootKey.length - 1), value: this.recordOf(latest, undefined) }
    }
  }

  approximateNumEntries(): number {
    return this.table.approximateRowCount()
  }

  put(key: K, value: V | null, timestampMs: number): number {
    if (timestampMs < this.historyFromMs || timestampMs < 0) return VERSION_NOT_PUT
    const root = this.rootOf(key)
    const itemKey = integerText(timestampMs)
    if (value === null || value === undefined) {
      const leavesTrace = this.deletionLeavesTrace(root, timestampMs)
      this.table.writeTombstone(root, itemKey, timestampMs)
      if (!leavesTrace) this.table.forget(this.rootOf(key), itemKey)
    } else this.table.write(root, itemKey, value, timestampMs, NO_HEADERS)
    this.observed.observe(timestampMs)
    return this.tidy(root.key, itemKey)
  }

  restore(changelogKey: Uint8Array, value: Uint8Array | null, timestampMs: number): void {
    if (timestampMs < this.historyFromMs) return
    const rootKey = latin1Of(changelogKey) + GROUP
    const itemKey = integerText(timestampMs)
    if (value === null) {
      const leavesTrace = this.deletionLeavesTrace(this.table.rootOf(rootKey), timestampMs)
      this.table.restoreTombstone(this.table.rootOf(rootKey), itemKey, timestampMs)
      if (!leavesTrace) this.table.forget(this.table.rootOf(rootKey), itemKey)
    } else this.table.restore(rootKey, itemKey, value, timestampMs)
    this.observed.observe(timestampMs)
    this.tidy(rootKey, itemKey)
  }

  private get historyFromMs(): number {
    return this.observed.observedMs - this.historyRetentionMs
  }

  private rootOf(key: K): Entry {
    return this.table.rootOf(latin1Of(this.codec.encodeKey(key)) + GROUP)
  }

  /**
   * False for a deletion at the very time of the latest version, unless another version ended there: nothing is left of either,
   * and an older put that comes later becomes the latest version.
   *
   * @see Kafka Streams `RocksDBVersionedStore#maybePutToLatestValueStore`
   */
  private deletionLeavesTrace(root: Entry, timestampMs: number): boolean {
    const { tree } = this.table
    const itemKey = integerText(timestampMs)
    const version = tree.floor(root, LAST)
    if (version === undefined || version.deleted || tree.floorKey !== itemKey) return true
    const before = timestampMs === 0 ? undefined : tree.floor(root, integerText(timestampMs - 1))
    return before !== undefined && !before.deleted
  }

  /** Removes versions that nobody can see any more; returns when the version just put ends. */
  private tidy(rootKey: string, itemKey: string): number {
    const { tree } = this.table
    const next = tree.seek(this.table.rootOf(rootKey), itemKey, false)
    const validToMs = next < 0 ? VERSION_IS_LATEST : integerIn(tree.seekPage.keyAt(next) as string, 0)
    for (;;) {
      const root = this.table.rootOf(rootKey)
      const at = tree.seek(root, FIRST, true)
      if (at < 0) break
      const oldest = tree.seekPage.keyAt(at) as string
      const isDeletion = tree.seekPage.itemAt(at).deleted
      const after = tree.seek(root, oldest, false)
      const endMs = after < 0 ? Number.MAX_SAFE_INTEGER : integerIn(tree.seekPage.keyAt(after) as string, 0)
      // A deletion says no more than that there is nothing before it, once nothing can come before it.
      const isGone = endMs <= this.historyFromMs || (isDeletion && integerIn(oldest, 0) < this.historyFromMs)
      if (!isGone) break
      this.table.forget(root, oldest)
    }
    return validToMs
  }

  private recordOf(row: Row, validToMs: number | undefined): VersionedRecord<V> {
    return { value: this.table.valueOf(row) as V, timestampMs: (row as TimestampedRow).timestampMs, validToMs }
  }
}
