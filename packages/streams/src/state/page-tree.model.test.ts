import { expect, it } from 'vitest'
import { NO_HEADERS } from '../core/index.ts'
import { CleanCache } from './clean-cache.ts'
import { ItemTable } from './item-table.ts'
import { latin1Bytes } from './latin1.ts'
import { GROUP, TreeCursor } from './page-tree.ts'
import type { TimestampedRow } from './row.ts'
import { copyWrites, SealedWrites } from './sealed-writes.ts'
import { StoreCodec } from './store-codec.ts'
import { json, MemoryDisk, randomOf, text } from './test-support/state-fixture.ts'

type Model = Map<string, number>
const ROOTS = [`a${GROUP}`, `b${GROUP}`, `ab${GROUP}`]

// Small pages make high trees, and a small clean cache evicts pages while the tree is at them.
for (const [maxPageBytes, cleanBytes] of [
  [60, 0],
  [120, 600],
  [120, 100_000],
  [600, 3000]
] as const) {
  it.each([1, 2, 3, 4, 5, 6])(
    `agrees with a sorted map, with pages of ${maxPageBytes} bytes and ${cleanBytes} bytes of clean ones, seed %i`,
    seed => new TreeRun(seed, maxPageBytes, cleanBytes).run(1500)
  )
}

class TreeRun {
  private readonly random: () => number
  private readonly disk = new MemoryDisk()
  private readonly raw = this.disk.open()
  private table: ItemTable
  private readonly makeTable: () => ItemTable
  private now = ROOTS.map(() => new Map() as Model)
  private sealed: Model[] | undefined
  private committed = this.now.map(model => new Map(model))
  /** Grows, as times do. */
  private clock = 0

  constructor(seed: number, maxPageBytes: number, cleanBytes: number) {
    this.random = randomOf(seed)
    this.makeTable = () =>
      new ItemTable({
        raw: this.raw,
        prefix: '\x01\x00\x01',
        timestamped: true,
        codec: new StoreCodec<unknown, unknown>('tree', text, json, 'topic'),
        changelog: undefined,
        clean: new CleanCache(cleanBytes),
        cache: undefined,
        flushFailed: () => {},
        isFlushing: () => false,
        maxPageBytes,
        itemKeyLength: 0,
        changelogKey: (_root, key) => latin1Bytes(key)
      })
    this.table = this.makeTable()
  }

  async run(steps: number): Promise<void> {
    let deletes = 0.35
    for (let i = 0; i < steps; i++) {
      // Grow and shrink in turns.
      if (i % 300 === 0) deletes = this.random() < 0.5 ? 0.2 : 0.75
      const roll = this.random()
      if (roll < 0.86) this.change(deletes)
      else if (roll < 0.95) this.checkCursor(deletes)
      else if (roll < 0.98) await this.sealOrWrite()
      else if (roll < 0.985) this.discard()
      else if (roll < 0.99) await this.reopen()
      else this.checkAll()
    }
    this.checkAll()
    await this.sealOrWrite()
    await this.sealOrWrite()
    if (this.sealed !== undefined) await this.sealOrWrite()
    await this.reopen()
    this.checkAll()
    await this.checkNothingIsLeft()
  }

  private keyIn(model: Model): string {
    const roll = this.random()
    const keys = [...model.keys()]
    if (roll < 0.4) return `t${String(this.clock++).padStart(6, '0')}`
    if (roll < 0.7 && keys.length > 0) return keys[Math.floor(this.random() * keys.length)] as string
    // A queue is emptied from its front.
    if (roll < 0.85 && keys.length > 0) return keys.reduce((a, b) => (a < b ? a : b))
    return `k${'x'.repeat(Math.floor(this.random() * 9))}${Math.floor(this.random() * 500)}`
  }

  private change(deletes: number): void {
    const which = Math.floor(this.random() * this.random() * ROOTS.length)
    const model = this.now[which] as Model
    const key = this.keyIn(model)
    const root = this.table.rootOf(ROOTS[which] as string)
    const value = Math.floor(this.random() * 10 ** Math.floor(this.random() * 9))
    if (this.random() < deletes) {
      this.table.write(root, key, null, 0, NO_HEADERS)
      model.delete(key)
    } else {
      this.table.write(root, key, value, value, NO_HEADERS)
      model.set(key, value)
    }
    expect(this.valueOf(which, key)).toBe(model.get(key))
    expect(this.table.uncommittedBytes).toBeGreaterThanOrEqual(0)
  }

  private valueOf(which: number, key: string): unknown {
    const row = this.table.read(this.table.rootOf(ROOTS[which] as string), key)
    if (row === undefined) return undefined
    expect((row as TimestampedRow).timestampMs).toBe(this.table.valueOf(row))
    return this.table.valueOf(row)
  }

  /** Goes on between changes, as an operator does that deletes what it met. */
  private checkCursor(deletes: number): void {
    const which = Math.floor(this.random() * ROOTS.length)
    const model = this.now[which] as Model
    const keys = [...model.keys(), 'a', 'zz']
    const from = keys[Math.floor(this.random() * keys.length)] as string
    const to = this.random() < 0.5 ? undefined : `${from}~`
    const root = ROOTS[which] as string
    const cursor = new TreeCursor(this.table.tree, root, from, to)
    const changes = this.random() < 0.5
    let last: string | undefined
    for (;;) {
      const after = last
      const expected = [...model.keys()]
        .filter(key => (after === undefined ? key >= from : key > after) && (to === undefined || key < to))
        .sort(byText)[0]
      expect(cursor.next()).toBe(expected !== undefined)
      if (expected === undefined) return
      expect(cursor.key).toBe(expected)
      expect(cursor.item && this.table.valueOf(cursor.item)).toBe(model.get(expected))
      last = expected
      if (changes && this.random() < 0.5) {
        this.table.write(this.table.rootOf(root), last, null, 0, NO_HEADERS)
        model.delete(last)
      }
      if (changes && this.random() < 0.3) this.change(deletes)
    }
  }

  private checkAll(): void {
    this.now.forEach((model, which) => {
      const root = ROOTS[which] as string
      const sorted = [...model.keys()].sort(byText)
      const keys: string[] = []
      this.table.collect(this.table.rootOf(root), '', undefined, keys, [])
      expect(keys).toEqual(sorted)
      for (const key of ['', 'k', 't', 'zz', ...sorted.slice(0, 5), ...sorted.slice(-5)]) {
        const floor = this.table.tree.floor(this.table.rootOf(root), key)
        expect(floor === undefined ? undefined : this.table.tree.floorKey).toBe(sorted.filter(k => k <= key).at(-1))
        const some: string[] = []
        this.table.collect(this.table.rootOf(root), 'k', key, some, [])
        expect(some).toEqual(sorted.filter(k => k >= 'k' && k < key))
      }
    })
    const count = this.now.reduce((sum, model) => sum + model.size, 0)
    expect(this.table.approximateRowCount()).toBe(count)
  }

  private async sealOrWrite(): Promise<void> {
    if (this.sealed === undefined) {
      this.table.seal()
      this.sealed = this.now.map(model => new Map(model))
      return
    }
    this.table.startWriting(undefined)
    const writes = copyWrites(new SealedWrites([this.table]))
    this.change(0.5)
    await this.raw.write(writes)
    this.change(0.5)
    this.table.sealedWritten()
    this.committed = this.sealed
    this.sealed = undefined
  }

  private discard(): void {
    this.table.reset()
    this.now = this.committed.map(model => new Map(model))
    this.sealed = undefined
    expect(this.table.uncommittedBytes).toBe(0)
  }

  private async reopen(): Promise<void> {
    const count = this.table.rowCount
    this.table = this.makeTable()
    this.table.rowCount = count
    this.now = this.committed.map(model => new Map(model))
    this.sealed = undefined
  }

  /** An emptied tree leaves no page behind. */
  private async checkNothingIsLeft(): Promise<void> {
    this.now.forEach((model, which) => {
      for (const key of model.keys()) {
        this.table.write(this.table.rootOf(ROOTS[which] as string), key, null, 0, NO_HEADERS)
      }
    })
    this.table.seal()
    this.table.startWriting(undefined)
    const writes = copyWrites(new SealedWrites([this.table]))
    this.table.sealedWritten()
    await this.raw.write(writes)
    expect(this.table.uncommittedBytes).toBe(0)
    for await (const row of this.raw.iterate({})) expect.fail(`left behind: ${Buffer.from(row.key).toString('latin1')}`)
  }
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
