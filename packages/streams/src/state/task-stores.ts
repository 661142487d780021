import { type StateStore, StreamsError } from '../core/index.ts'
import type { RawStore, RawWrite, RawWriteOptions } from '../ports/index.ts'
import type { StoreSpec } from '../topology/index.ts'
import { latin1Bytes } from './latin1.ts'
import type { MemoryRawStore } from './memory-raw-store.ts'
import { encodeInteger, rowPrefix, type StoreMeta, storeMetaKey } from './raw-layout.ts'
import { RestoredRows } from './restored-rows.ts'
import { copyWrites, SealedWrites, type WriteSource } from './sealed-writes.ts'
import type { StoreEngine, StoreTable } from './store-engine.ts'
import type { RecordsToRestore, TaskState } from './task-state.ts'
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

/** What one store has to write: its rows, and at last what depends on them. */
class StoreWrites implements WriteSource {
  readonly store: StoreUnderTask
  private readonly rows: WriteSource
  private readonly metaWrites: () => RawWrite[]
  private list: readonly RawWrite[] | undefined
  private next = 0

  constructor(store: StoreUnderTask, rows: WriteSource, metaWrites: () => RawWrite[]) {
    this.store = store
    this.rows = rows
    this.metaWrites = metaWrites
  }

  nextWrite(): RawWrite | undefined {
    if (this.list === undefined) {
      const write = this.rows.nextWrite()
      if (write !== undefined) return write
      this.list = this.metaWrites()
    }
    return this.list[this.next++]
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

  async restore(storeName: string, records: RecordsToRestore): Promise<void> {
    const store = this.storeNamed(storeName)
    const { table, restoring, observed } = store.engine
    let source: RestoredRows | StoreTable = store.restored
    if (restoring === undefined) store.restored.startWriting(records)
    else {
      while (records.next()) {
        const { buffer, keyStart, keyEnd, valueStart, valueEnd, timestampMs } = records
        const value = valueEnd < 0 ? null : buffer.subarray(valueStart, valueEnd)
        restoring.restore(buffer.subarray(keyStart, keyEnd), value, timestampMs)
      }
      table.seal()
      table.startWriting(undefined)
      source = table
    }
    observed?.restored()
    let restoredTo: number | undefined
    const writes = new StoreWrites(store, source, () => {
      restoredTo = records.restoredTo
      return this.metaWrites(store, restoredTo, source.rowsAdded)
    })
    await this.writeBoth([writes], {
      get bulk() {
        return !records.isDone
      }
    })
    if (source === table) table.sealedWritten()
    else {
      table.rowCount = Math.max(0, table.rowCount + source.rowsAdded)
      // What was read before is stale: restoring after an unknown commit changes rows that were seen.
      table.reset()
    }
    this.metaWritten(store, restoredTo)
  }

  async clearStore(storeName: string): Promise<void> {
    const store = this.storeNamed(storeName)
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
    for (const { engine } of this.all) bytes += engine.table.uncommittedBytes
    return bytes
  }

  seal(): void {
    if (this.hasSealed) throw new Error(`Task ${this.taskId} sealed a second generation before the first was written.`)
    this.hasSealed = true
    for (const store of this.all) {
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
      return new StoreWrites(store, table, () =>
        this.metaWrites(store, changelogOffsets.get(store.spec.name), table.rowsAdded)
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
  private async writeBoth(sources: readonly StoreWrites[], options?: RawWriteOptions): Promise<void> {
    const persistent = sources.filter(({ store }) => store.raw === this.raw)
    const inMemory = copyWrites(new SealedWrites(sources.filter(({ store }) => store.raw !== this.raw)))
    if (persistent.length > 0) await this.raw.write(new SealedWrites(persistent), options)
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
