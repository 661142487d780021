import { type StateStore, StreamsError } from '../core/index.ts'
import type { RawStore, RawWrite } from '../ports/index.ts'
import type { StoreSpec } from '../topology/index.ts'
import { latin1Bytes } from './latin1.ts'
import type { MemoryRawStore } from './memory-raw-store.ts'
import { encodeInteger, rowPrefix, type StoreMeta, storeMetaKey } from './raw-layout.ts'
import { RestoredRows } from './restored-rows.ts'
import { copyWrites, SealedWrites, type WriteSource } from './sealed-writes.ts'
import type { StoreEngine, StoreTable } from './store-engine.ts'
import type { TaskState } from './task-state.ts'
import { bucketText } from './time-bucket-engine.ts'

/** Rows that one step of expiry or clearing deletes: a few milliseconds of LevelDB's time. */
const STEP_ROWS = 2000

/** One store with what its task keeps about it. */
export class StoreUnderTask {
  readonly spec: StoreSpec
  readonly id: number
  readonly raw: RawStore
  readonly engine: StoreEngine
  checkpoint: number | undefined
  /** Of stores whose changelog records are rows. */
  readonly restored: RestoredRows
  /** Items that were restored are in the active generation. */
  hasRestoredItems = false
  /** What the last batch left on disk, so that only changes are written. */
  writtenObservedMs: number
  writtenRowCount: number

  constructor(spec: StoreSpec, id: number, raw: RawStore, engine: StoreEngine, checkpoint: number | undefined) {
    this.spec = spec
    this.id = id
    this.raw = raw
    this.engine = engine
    this.checkpoint = checkpoint
    this.restored = new RestoredRows(rowPrefix(id), spec.kind !== 'key-value')
    this.writtenObservedMs = engine.observed?.observedMs ?? -1
    this.writtenRowCount = engine.table.rowCount
  }

  metaWrite(kind: StoreMeta, value: number | null): RawWrite {
    return { key: storeMetaKey(kind, this.id), value: value === null ? null : encodeInteger(value) }
  }

  get prefix(): string {
    return rowPrefix(this.id)
  }
}

/** What one store has to write: rows that were put aside, those of its table, and at last what depends on how many there were. */
class StoreWrites implements WriteSource {
  readonly store: StoreUnderTask
  private readonly table: StoreTable | undefined
  private readonly metaWrites: (rowsAdded: number) => RawWrite[]
  private readonly rows: WriteSource | undefined
  private list: readonly RawWrite[] = []
  private next = 0
  private isAtEnd = false

  constructor(
    store: StoreUnderTask,
    rows: WriteSource | undefined,
    ofTable: boolean,
    metaWrites: (rowsAdded: number) => RawWrite[]
  ) {
    this.store = store
    this.rows = rows
    this.table = ofTable ? store.engine.table : undefined
    this.metaWrites = metaWrites
  }

  nextWrite(): RawWrite | undefined {
    if (this.next < this.list.length) return this.list[this.next++]
    if (this.isAtEnd) return undefined
    const write = this.rows?.nextWrite() ?? this.table?.nextWrite()
    if (write !== undefined) return write
    this.isAtEnd = true
    this.list = this.metaWrites(this.table?.rowsAdded ?? 0)
    this.next = 0
    return this.nextWrite()
  }
}

/** The stores of one task; see `TaskState`. */
export class TaskStores implements TaskState {
  readonly stores: ReadonlyMap<string, StateStore>
  readonly checkpoints = new Map<string, number>()
  private readonly taskId: string
  private readonly byName = new Map<string, StoreUnderTask>()
  private readonly all: readonly StoreUnderTask[]
  private readonly raw: RawStore
  private readonly memory: MemoryRawStore
  private hasSealed = false
  private isClosed = false
  /** Each step begins after the store of the last one: a busy store keeps no other from expiring. */
  private nextToExpire = 0

  constructor(taskId: string, stores: readonly StoreUnderTask[], raw: RawStore, memory: MemoryRawStore) {
    this.taskId = taskId
    this.all = stores
    this.raw = raw
    this.memory = memory
    for (const store of stores) {
      this.byName.set(store.spec.name, store)
      if (store.checkpoint !== undefined) this.checkpoints.set(store.spec.name, store.checkpoint)
    }
    this.stores = new Map(stores.map(store => [store.spec.name, store.engine.store]))
  }

  // ── restoring ────────────────────────────────────────────────────────────────────────────────────────────────────

  restore(storeName: string, key: Uint8Array, value: Uint8Array | null, timestampMs: number): void {
    const store = this.storeNamed(storeName)
    const { restoring } = store.engine
    if (restoring === undefined) store.restored.add(key, value, timestampMs)
    else {
      restoring.restore(key, value, timestampMs)
      store.hasRestoredItems = true
    }
  }

  async writeRestored(offsets: ReadonlyMap<string, number>): Promise<void> {
    const sources = this.all.map(store => {
      const { table } = store.engine
      if (store.hasRestoredItems) {
        table.seal()
        table.startWriting(undefined)
      } else table.rowCount = Math.max(0, table.rowCount + store.restored.rowsAdded)
      store.restored.startWriting()
      store.engine.observed?.restored()
      return new StoreWrites(store, store.restored, store.hasRestoredItems, added =>
        this.metaWrites(store, offsets.get(store.spec.name), added)
      )
    })
    await this.writeBoth(sources)
    for (const store of this.all) {
      // What was read before is stale: restoring after an unknown commit changes rows that were seen.
      if (!store.restored.isEmpty) store.engine.table.reset()
      if (store.hasRestoredItems) store.engine.table.sealedWritten()
      store.hasRestoredItems = false
      store.restored.clear()
      this.metaWritten(store, offsets.get(store.spec.name))
    }
  }

  async clearStore(storeName: string): Promise<void> {
    const store = this.storeNamed(storeName)
    store.restored.clear()
    store.hasRestoredItems = false
    store.engine.table.reset()
    store.engine.table.rowCount = 0
    store.engine.observed?.reset()
    store.writtenObservedMs = -1
    store.writtenRowCount = 0
    this.checkpoints.delete(storeName)
    // First the checkpoint: a crash half-way must not leave one that promises more than is there.
    await store.raw.write([store.metaWrite('c', null), store.metaWrite('o', null), store.metaWrite('n', null)])
    const range = { from: latin1Bytes(rowPrefix(store.id)), to: latin1Bytes(rowPrefix(store.id + 1)) }
    while ((await store.raw.clear(range, STEP_ROWS)) === STEP_ROWS);
    store.engine.table.reset()
  }

  // ── commit ───────────────────────────────────────────────────────────────────────────────────────────────────────

  flushCaches(): void {
    // A flush forwards downstream, which may put into stores up and down the order.
    for (let again = true; again; ) {
      again = false
      for (const store of this.all) if (store.engine.table.flush()) again = true
    }
  }

  get uncommittedBytes(): number {
    let bytes = 0
    for (const { engine, restored } of this.all) bytes += engine.table.uncommittedBytes + restored.memoryBytes
    return bytes
  }

  seal(): void {
    if (this.hasSealed) throw new Error(`Task ${this.taskId} sealed a second generation before the first was written.`)
    this.hasSealed = true
    for (const store of this.all) {
      store.restored.release()
      store.engine.table.seal()
      store.engine.observed?.seal()
    }
  }

  async writeSealed(changelogOffsets: ReadonlyMap<string, number>): Promise<void> {
    if (!this.hasSealed) throw new Error(`Task ${this.taskId} has no sealed generation to write.`)
    const sources = this.all.map(store => {
      const { table, windows } = store.engine
      const livesFrom = windows === undefined ? '' : bucketText(windows.clearedToBucket)
      table.startWriting(livesFrom === '' ? undefined : key => key < livesFrom)
      return new StoreWrites(store, undefined, true, added =>
        this.metaWrites(store, changelogOffsets.get(store.spec.name), added)
      )
    })
    await this.writeBoth(sources)
    // Discarded meanwhile: what was sealed is forgotten already.
    const isKept = this.hasSealed
    this.hasSealed = false
    for (const store of this.all) {
      if (isKept) store.engine.table.sealedWritten()
      store.engine.observed?.written()
      this.metaWritten(store, changelogOffsets.get(store.spec.name))
    }
  }

  discard(): void {
    this.hasSealed = false
    for (const store of this.all) {
      store.engine.table.reset()
      store.engine.observed?.discard()
      store.restored.release()
      store.hasRestoredItems = false
    }
  }

  // ── upkeep ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async expireStep(): Promise<boolean> {
    for (let i = 0; i < this.all.length; i++) {
      const index = (this.nextToExpire + i) % this.all.length
      const store = this.all[index] as StoreUnderTask
      const { windows, table } = store.engine
      if (windows === undefined || !windows.hasExpired) continue
      this.nextToExpire = index + 1
      const bucket = windows.liveBucket
      const range = { from: latin1Bytes(store.prefix), to: latin1Bytes(store.prefix + bucketText(bucket)) }
      const count = await store.raw.clear(range, STEP_ROWS)
      table.rowCount = Math.max(0, table.rowCount - count)
      if (count < STEP_ROWS) windows.cleared(bucket)
      return true
    }
    return false
  }

  async approximateBytes(): Promise<number> {
    return (await this.raw.approximateBytes()) + (await this.memory.approximateBytes())
  }

  async close(): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    await this.memory.close()
    await this.raw.close()
  }

  /** What belongs to the store beside its rows: offset, observed time, count. */
  private metaWrites(store: StoreUnderTask, offset: number | undefined, rowsAdded: number): RawWrite[] {
    const { table, observed } = store.engine
    const writes: RawWrite[] = []
    if (offset !== undefined && store.spec.persistent) writes.push(store.metaWrite('c', offset))
    if (observed !== undefined && observed.sealedObservedMs !== store.writtenObservedMs) {
      writes.push(store.metaWrite('o', observed.sealedObservedMs))
    }
    const rowCount = Math.max(0, table.rowCount + rowsAdded)
    if (rowCount !== store.writtenRowCount) writes.push(store.metaWrite('n', rowCount))
    return writes
  }

  private metaWritten(store: StoreUnderTask, offset: number | undefined): void {
    store.writtenObservedMs = store.engine.observed?.sealedObservedMs ?? -1
    store.writtenRowCount = store.engine.table.rowCount
    if (offset !== undefined && store.spec.persistent) this.checkpoints.set(store.spec.name, offset)
  }

  /** The persistent batch first: if it fails, nothing has happened. What is in memory is copied before, as it is now. */
  private async writeBoth(sources: readonly StoreWrites[]): Promise<void> {
    const persistent = sources.filter(({ store }) => store.raw === this.raw)
    const inMemory = copyWrites(new SealedWrites(sources.filter(({ store }) => store.raw !== this.raw)))
    if (persistent.length > 0) await this.raw.write(new SealedWrites(persistent))
    if (inMemory.length > 0) await this.memory.write(inMemory)
  }

  private storeNamed(name: string): StoreUnderTask {
    const store = this.byName.get(name)
    if (store !== undefined) return store
    throw new StreamsError('STORE_NOT_FOUND', `Task ${this.taskId} has no store '${name}'. Check the name.`, {
      details: { taskId: this.taskId, store: name }
    })
  }
}
