import { type KeyValueRow, NO_HEADERS, type OrderedKeyValueStore, type StoreCursor } from '../core/index.ts'
import type { ItemTable } from './item-table.ts'
import { latin1Of } from './latin1.ts'
import { GROUP, TreeCursor } from './page-tree.ts'
import type { Entry, Row } from './row.ts'
import type { StoreCodec } from './store-codec.ts'
import type { ItemRestoring, StoreEngine } from './store-engine.ts'

/** All entries are one group, keyed by the key's bytes. */
export class OrderedKeyValueEngine<K, V> implements StoreEngine, ItemRestoring, OrderedKeyValueStore<K, V> {
  readonly name: string
  readonly table: ItemTable
  readonly observed = undefined
  readonly windows = undefined
  readonly store = this
  readonly restoring = this
  private readonly codec: StoreCodec<K, V>
  private readonly recordTimestampMs: () => number

  constructor(name: string, table: ItemTable, codec: StoreCodec<K, V>, recordTimestampMs: () => number) {
    this.name = name
    this.table = table
    this.codec = codec
    this.recordTimestampMs = recordTimestampMs
  }

  get(key: K): V | undefined {
    const row = this.table.read(this.root, latin1Of(this.codec.encodeKey(key)))
    return row === undefined ? undefined : (this.table.valueOf(row) as V)
  }

  put(key: K, value: V | null): void {
    const itemKey = latin1Of(this.codec.encodeKey(key))
    this.table.write(this.root, itemKey, value, this.recordTimestampMs(), NO_HEADERS)
  }

  first(): KeyValueRow<K, V> | undefined {
    const { tree } = this.table
    const at = tree.seek(this.root, '', true)
    if (at < 0) return undefined
    const page = tree.seekPage
    return {
      key: this.keyOf(page.keyAt(at) as string),
      value: this.table.valueOf(page.itemAt(at)) as V
    }
  }

  cursor(from?: K, to?: K): StoreCursor<K, V> {
    const start = from === undefined ? '' : latin1Of(this.codec.encodeKey(from))
    const end = to === undefined ? undefined : `${latin1Of(this.codec.encodeKey(to))}\0`
    return this.cursorOver(start, end)
  }

  prefixCursor(prefix: Uint8Array): StoreCursor<K, V> {
    const start = latin1Of(prefix)
    return this.cursorOver(start, afterPrefix(start))
  }

  async *range(from?: K, to?: K): AsyncGenerator<KeyValueRow<K, V>> {
    const cursor = this.cursor(from, to)
    while (cursor.next()) yield { key: cursor.key, value: cursor.value }
  }

  all(): AsyncIterable<KeyValueRow<K, V>> {
    return this.range()
  }

  approximateNumEntries(): number {
    return this.table.approximateRowCount()
  }

  restore(changelogKey: Uint8Array, value: Uint8Array | null, timestampMs: number): void {
    this.table.restore(GROUP, latin1Of(changelogKey), value, timestampMs)
  }

  private get root(): Entry {
    return this.table.rootOf(GROUP)
  }

  private cursorOver(from: string, to: string | undefined): StoreCursor<K, V> {
    return new OrderedCursor(
      new TreeCursor(this.table.tree, GROUP, from, to),
      key => this.keyOf(key),
      row => this.table.valueOf(row) as V
    )
  }

  private keyOf(text: string): K {
    return this.codec.decodeKey(text, 0, text.length)
  }
}

class OrderedCursor<K, V> implements StoreCursor<K, V> {
  private readonly at: TreeCursor
  private readonly keyOf: (text: string) => K
  private readonly valueOf: (row: Row) => V

  constructor(at: TreeCursor, keyOf: (text: string) => K, valueOf: (row: Row) => V) {
    this.at = at
    this.keyOf = keyOf
    this.valueOf = valueOf
  }

  next(): boolean {
    return this.at.next()
  }

  get key(): K {
    return this.keyOf(this.at.key)
  }

  get value(): V {
    return this.valueOf(this.at.item as Row)
  }
}

/** The least text above all that begin with `prefix`; undefined when there is none. */
function afterPrefix(prefix: string): string | undefined {
  for (let i = prefix.length - 1; i >= 0; i--) {
    const code = prefix.charCodeAt(i)
    if (code < 0xff) return prefix.slice(0, i) + String.fromCharCode(code + 1)
  }
  return undefined
}
