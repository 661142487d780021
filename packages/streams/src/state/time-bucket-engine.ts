import { type KeyValueRow, type StoreCursor, StreamsError, type Windowed } from '../core/index.ts'
import { integerIn, integerText } from './big-endian-text.ts'
import type { ItemTable } from './item-table.ts'
import { GROUP, INDEX_GROUP, isRootOf, PageTree, TreeCursor } from './page-tree.ts'
import { writeInteger } from './raw-layout.ts'
import { type Entry, Row } from './row.ts'
import type { StoreCodec } from './store-codec.ts'
import type { ItemRestoring, WindowProgress } from './store-engine.ts'

const MIN_BUCKET_MS = 60_000
const BUCKET_BYTES = 8
const GROUP_BYTE = GROUP.charCodeAt(0)
const INDEX_PAGE_BYTES = 4096

/** How long a time bucket is: Kafka Streams' segment interval. */
export function timeBucketMs(retentionMs: number): number {
  return Math.max(Math.floor(retentionMs / 2), MIN_BUCKET_MS)
}

/** The number of the bucket in which a page lies. */
function bucketOfRow(pageKey: string): number {
  return integerIn(pageKey, 0)
}

/** What the pages of buckets below `bucket` come before. */
export function bucketText(bucket: number): string {
  return integerText(bucket)
}

/** The bytes of the key, as latin1, that a group belongs to. */
export function keyTextOf(rootKey: string): string {
  return rootKey.slice(BUCKET_BYTES, -1)
}

/**
 * A store whose items expire by time. The items of one key and time bucket are a group, named bucket:i64 key; an item's
 * key begins with its time. So what expires lies together, and the windows of a key are one row, which was read and
 * decoded once.
 */
export abstract class TimeBucketEngine<K, V> implements ItemRestoring {
  readonly name: string
  readonly table: ItemTable
  readonly windows: WindowProgress
  readonly retentionMs: number
  protected readonly codec: StoreCodec<K, V>
  private readonly bucketMs: number
  private readonly index: PageTree | undefined
  /** No item lies in a bucket below, as far as is known. */
  private leastBucket: number
  private lastKey: unknown = undefined
  /** Of the last key, by the last bit of the bucket: most ranges are in two of them. */
  private readonly lastBuckets = [-1, -1]
  private readonly lastRoots: (Entry | undefined)[] = [undefined, undefined]
  private rootKey = Buffer.allocUnsafeSlow(512)
  /** Of the last `collect`. */
  protected foundKeys: string[] = []
  protected foundRows: Row[] = []
  readonly restoring = this

  constructor(
    name: string,
    table: ItemTable,
    codec: StoreCodec<K, V>,
    windows: WindowProgress,
    retentionMs: number,
    timeOrdered: boolean
  ) {
    this.name = name
    this.table = table
    this.codec = codec
    this.windows = windows
    this.retentionMs = retentionMs
    this.bucketMs = timeBucketMs(retentionMs)
    table.pages.isEmptyAbove(() => bucketText(Math.floor(Math.max(-1, windows.observedMs) / this.bucketMs) + 1))
    this.leastBucket = windows.observedMs < 0 ? Number.POSITIVE_INFINITY : windows.liveBucket
    if (!timeOrdered) return
    const index = new PageTree(table.pages, INDEX_PAGE_BYTES)
    this.index = index
    table.onPresence = (rootKey, itemKey, isThere) => {
      const root = table.rootOf(rootKey.slice(0, BUCKET_BYTES) + INDEX_GROUP)
      const key = itemKey + keyTextOf(rootKey)
      this.leastBucket = Math.min(this.leastBucket, bucketOfRow(rootKey))
      if (isThere) index.put(root, key, indexItem())
      else index.delete(root, key)
    }
  }

  get observed(): WindowProgress {
    return this.windows
  }

  abstract restore(changelogKey: Uint8Array, value: Uint8Array | null, timestampMs: number): void
  protected abstract readonly itemKeyLength: number
  protected abstract windowedOf(keyText: string, itemKey: string): Windowed<K>

  protected rootFor(key: K, timeMs: number): Entry {
    const bucket = Math.floor(timeMs / this.bucketMs)
    const known = this.lastRoot(key, bucket)
    if (known !== undefined) return known
    const end = this.writeRootKey(bucket, key)
    const root = this.table.pages.entryOfBytes(this.rootKey, end)
    this.keepRoot(key, bucket, root)
    return root
  }

  /** As `rootFor`, for reading: undefined where there is no group. */
  private findRoot(key: K, bucket: number): Entry | undefined {
    const known = this.lastRoot(key, bucket)
    if (known !== undefined) return known
    const end = this.writeRootKey(bucket, key)
    const root = this.table.pages.findEntryOfBytes(this.rootKey, end)
    if (root !== undefined) this.keepRoot(key, bucket, root)
    return root
  }

  private lastRoot(key: K, bucket: number): Entry | undefined {
    // -0 and 0 may differ as bytes.
    if (key !== this.lastKey || (key as unknown) === 0) {
      this.lastRoots[0] = undefined
      this.lastRoots[1] = undefined
      // Never an object, which may have changed.
      this.lastKey = typeof key === 'object' ? undefined : key
      return undefined
    }
    const slot = bucket % 2
    if (bucket !== this.lastBuckets[slot]) return undefined
    const root = this.lastRoots[slot]
    return root === undefined || root.dropped ? undefined : root
  }

  private keepRoot(key: K, bucket: number, root: Entry): void {
    if (typeof key === 'object') return
    this.lastBuckets[bucket % 2] = bucket
    this.lastRoots[bucket % 2] = root
  }

  /** Returns where it ends in `rootKey`. */
  private writeRootKey(bucket: number, key: K): number {
    const keyEnd = this.writeKey(key)
    writeInteger(this.rootKey, 0, bucket)
    this.rootKey[keyEnd] = GROUP_BYTE
    return keyEnd + 1
  }

  /** Returns where it ends in `rootKey`. */
  private writeKey(key: K): number {
    const written = this.codec.encodeKeyInto(key, this.rootKey, BUCKET_BYTES)
    if (typeof written === 'number') return written
    const end = BUCKET_BYTES + written.length
    // With room for what comes behind it.
    if (this.rootKey.length <= end) this.rootKey = Buffer.allocUnsafeSlow(2 * end)
    this.rootKey.set(written, BUCKET_BYTES)
    return end
  }

  protected rootKeyOf(keyText: string, timeMs: number): string {
    return integerText(Math.floor(timeMs / this.bucketMs)) + keyText + GROUP
  }

  /** Puts into `foundKeys` and `foundRows` the items of a key whose time is in [fromMs, toMs], ascending. */
  protected collect(key: K, fromMs: number, toMs: number): void {
    this.foundKeys = []
    this.foundRows = []
    const from = Math.max(fromMs, this.windows.liveFromMs)
    const to = Math.min(toMs, this.windows.observedMs)
    if (from > to) return
    const fromText = integerText(from)
    const toText = integerText(to + 1)
    const last = Math.floor(to / this.bucketMs)
    for (let bucket = Math.floor(from / this.bucketMs); bucket <= last; bucket++) {
      const root = this.findRoot(key, bucket)
      if (root !== undefined) this.table.collect(root, fromText, toText, this.foundKeys, this.foundRows)
    }
  }

  /** Live items of all keys whose time is in [fromMs, toMs], bucket by bucket and there in order of keys. */
  protected async *scan<R>(
    fromMs: number,
    toMs: number,
    valueOf: (row: Row) => R
  ): AsyncGenerator<KeyValueRow<Windowed<K>, R>> {
    const last = Math.floor(Math.min(toMs, this.windows.observedMs) / this.bucketMs)
    const { pages } = this.table
    for (let bucket = Math.floor(this.liveFrom(fromMs) / this.bucketMs); bucket <= last; bucket++) {
      for await (const [rootKey] of pages.scan(integerText(bucket), integerText(bucket + 1))) {
        if (!isRootOf(GROUP, rootKey)) continue
        const keys: string[] = []
        const rows: Row[] = []
        const from = integerText(this.liveFrom(fromMs))
        const to = integerText(Math.min(toMs, Number.MAX_SAFE_INTEGER - 1) + 1)
        this.table.collect(this.table.rootOf(rootKey), from, to, keys, rows)
        for (let i = 0; i < keys.length; i++) {
          const itemKey = keys[i] as string
          if (integerIn(itemKey, 0) < this.windows.liveFromMs) continue
          yield { key: this.windowedOf(keyTextOf(rootKey), itemKey), value: valueOf(rows[i] as Row) }
        }
      }
    }
  }

  protected byTime<R>(fromMs: number, toMs: number, valueOf: (row: Row) => R): StoreCursor<Windowed<K>, R> {
    const { index } = this
    if (index === undefined) {
      throw new StreamsError(
        'TOPOLOGY_INVALID',
        `Store '${this.name}' cannot be read in order of time. Declare it with 'timeOrdered'.`,
        { details: { store: this.name } }
      )
    }
    const last = Math.min(toMs, this.windows.observedMs)
    return new TimeCursor(index, this.table, {
      fromMs: Math.max(0, fromMs, Math.max(this.leastBucket, this.windows.clearedToBucket) * this.bucketMs),
      toMs: last,
      bucketMs: this.bucketMs,
      itemKeyLength: this.itemKeyLength,
      keyOf: (keyText, itemKey) => this.windowedOf(keyText, itemKey),
      valueOf
    })
  }

  private liveFrom(fromMs: number): number {
    return Math.max(fromMs, this.windows.liveFromMs)
  }
}

function indexItem(): Row {
  const row = new Row()
  row.bytes = NOTHING
  return row
}

const NOTHING = Buffer.alloc(0)

interface TimeRange<K, R> {
  readonly fromMs: number
  readonly toMs: number
  readonly bucketMs: number
  readonly itemKeyLength: number
  keyOf(keyText: string, itemKey: string): K
  valueOf(row: Row): R
}

/** Goes through the index of each time bucket of a range. */
class TimeCursor<K, R> implements StoreCursor<K, R> {
  private readonly index: PageTree
  private readonly table: ItemTable
  private readonly range: TimeRange<K, R>
  private bucket: number
  private inBucket: TreeCursor | undefined = undefined
  private keyText = ''
  private itemKey = ''
  private row: Row | undefined = undefined

  constructor(index: PageTree, table: ItemTable, range: TimeRange<K, R>) {
    this.index = index
    this.table = table
    this.range = range
    this.bucket = Math.floor(range.fromMs / range.bucketMs)
  }

  next(): boolean {
    const { fromMs, toMs, bucketMs, itemKeyLength } = this.range
    for (; this.bucket * bucketMs <= toMs; this.bucket++) {
      this.inBucket ??= new TreeCursor(
        this.index,
        integerText(this.bucket) + INDEX_GROUP,
        integerText(fromMs),
        integerText(toMs + 1)
      )
      if (this.inBucket.next()) {
        const { key } = this.inBucket
        this.keyText = key.slice(itemKeyLength)
        this.itemKey = key.slice(0, itemKeyLength)
        // Read now: it may be deleted before it is asked for.
        this.row = this.table.read(this.table.rootOf(integerText(this.bucket) + this.keyText + GROUP), this.itemKey)
        return true
      }
      this.inBucket = undefined
    }
    return false
  }

  get key(): K {
    return this.range.keyOf(this.keyText, this.itemKey)
  }

  get value(): R {
    return this.range.valueOf(this.row as Row)
  }
}
