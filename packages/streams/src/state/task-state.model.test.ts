import { expect, it } from 'vitest'
import {
  type KeyValueStore,
  NO_HEADERS,
  type TimestampedKeyValueStore,
  type TimestampedWindowStore
} from '../core/index.ts'
import { openTaskState } from './open-task-state.ts'
import type { TaskState } from './task-state.ts'
import { ListedRecords } from './test-support/listed-records.ts'
import { MemoryDisk, randomOf, storeSpec } from './test-support/state-fixture.ts'

const RETENTION_MS = 200_000
const KEYS = ['a', 'ab', 'abc', 'b', 'é', '', 'z', 'k1', 'k2', 'k3', 'k4', 'k5', 'a\0', 'a\0\0\0\0\0\0\0\0\u0001']

type Versioned = { readonly value: unknown; readonly timestampMs: number }
type Change = { store: string; key: Uint8Array; value: Uint8Array | null; timestampMs: number }

/** What the stores should hold: plain maps, copied whole at every seal and commit. */
interface Model {
  plain: Map<string, unknown>
  stamped: Map<string, Versioned>
  /** By `start key`. */
  windows: Map<string, Versioned>
  observedMs: number
  /** What downstream was told. */
  downstream: Map<string, unknown>
  changelog: Change[]
}

const copyOf = (model: Model): Model => structuredClone(model)
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

for (const cacheBytes of [0, 600, 100_000]) {
  it.each(Array.from({ length: 15 }, (_, i) => i + 1))(
    `agrees with plain maps, with ${cacheBytes} bytes of cache, seed %i`,
    seed => new ModelRun(seed, cacheBytes).run(300)
  )
}

class ModelRun {
  private readonly random: () => number
  private readonly cacheBytes: number
  private disk = new MemoryDisk()
  private state!: TaskState
  private now: Model = {
    plain: new Map(),
    stamped: new Map(),
    windows: new Map(),
    observedMs: -1,
    downstream: new Map(),
    changelog: []
  }
  private sealed: Model | undefined
  private committed: Model = copyOf(this.now)
  private clockMs = 1_000_000

  constructor(seed: number, cacheBytes: number) {
    this.random = randomOf(seed)
    this.cacheBytes = cacheBytes
  }

  async run(steps: number): Promise<void> {
    await this.open()
    for (let i = 0; i < steps; i++) {
      const roll = this.random()
      if (roll < 0.65) this.change()
      else if (roll < 0.8) this.checkReads()
      else if (roll < 0.84) await this.checkScans()
      else if (roll < 0.87) this.state.flushCaches()
      else if (roll < 0.93) await this.sealOrWrite()
      else if (roll < 0.95) this.discard()
      else if (roll < 0.97) await this.reopen()
      else await this.state.expireStep()
    }
    await this.checkScans()
    if (this.sealed !== undefined) await this.sealOrWrite()
    await this.sealOrWrite()
    await this.sealOrWrite()
    await this.reopen()
    await this.checkScans()
    await this.checkRestored()
  }

  private async open(): Promise<void> {
    this.state = await openTaskState({
      taskId: '0_0',
      specs: [
        storeSpec('plain', 'key-value'),
        storeSpec('stamped', 'timestamped-key-value'),
        storeSpec('windows', 'timestamped-window', { retentionMs: RETENTION_MS }),
        // Only there to be told apart from the others.
        storeSpec('other', 'timestamped-key-value')
      ],
      raw: this.disk.open(),
      changelog: store => (key, value, timestampMs) => {
        const change = { store, key: key.slice(), value: value === null ? null : value.slice(), timestampMs }
        this.now.changelog.push(change)
      },
      changelogTopic: name => `app-${name}-changelog`,
      cacheBytes: this.cacheBytes,
      cleanBytes: 2000
    })
    const hasCache = this.stamped.onFlush((key, change, timestampMs) => {
      expect(change.before).toEqual(this.now.downstream.get(key) ?? null)
      if (typeof change.after === 'object' && change.after !== null) expect(change.after).not.toBe(change.before)
      if (change.after === null) this.now.downstream.delete(key)
      else {
        this.now.downstream.set(key, change.after)
        expect(timestampMs).toBeLessThanOrEqual(this.clockMs)
      }
    }, true)
    expect(hasCache).toBe(this.cacheBytes > 0)
  }

  private get plain(): KeyValueStore<string, unknown> {
    return this.state.stores.get('plain') as KeyValueStore<string, unknown>
  }

  private get stamped(): TimestampedKeyValueStore<string, unknown> {
    return this.state.stores.get('stamped') as TimestampedKeyValueStore<string, unknown>
  }

  private get windows(): TimestampedWindowStore<string, unknown> {
    return this.state.stores.get('windows') as TimestampedWindowStore<string, unknown>
  }

  private pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)] as T
  }

  private change(): void {
    const key = this.pick(KEYS)
    const isDelete = this.random() < 0.2
    const value = isDelete
      ? null
      : this.pick<unknown>([this.clockMs, `t${this.clockMs}`, true, { n: this.clockMs }, [1]])
    const kept = structuredClone(value)
    this.clockMs += Math.floor(this.random() * 5000)
    // Sometimes as a processor does, which reads first.
    const reads = this.random() < 0.5
    switch (this.pick(['plain', 'stamped', 'windows'])) {
      case 'plain':
        if (reads) expect(this.plain.get(key)).toEqual(this.now.plain.get(key))
        this.plain.put(key, value)
        if (isDelete) this.now.plain.delete(key)
        else this.now.plain.set(key, kept)
        break
      case 'stamped':
        if (reads) expect(this.stamped.get(key)).toEqual(this.now.stamped.get(key))
        this.now.stamped.delete(key)
        if (!isDelete) this.now.stamped.set(key, { value: kept, timestampMs: this.clockMs })
        this.stamped.put(key, value, this.clockMs, NO_HEADERS)
        break
      default: {
        const start = Math.floor((this.clockMs - this.random() * 2 * RETENTION_MS) / 1000) * 1000
        if (reads) expect(this.windows.fetchOne(key, start)).toEqual(this.visible(key, start))
        if (start > this.now.observedMs - RETENTION_MS && start >= 0) {
          this.now.observedMs = Math.max(start, this.now.observedMs)
          this.now.windows.delete(`${start} ${key}`)
          if (!isDelete) this.now.windows.set(`${start} ${key}`, { value: kept, timestampMs: this.clockMs })
        }
        this.windows.put(key, value, start, this.clockMs, NO_HEADERS)
      }
    }
    // The store must not hold on to the user's objects.
    if (typeof value === 'object' && value !== null) Object.assign(value, { changed: 'by the user' })
  }

  private visible(key: string, start: number): Versioned | undefined {
    return start > this.now.observedMs - RETENTION_MS ? this.now.windows.get(`${start} ${key}`) : undefined
  }

  private checkReads(): void {
    for (const key of KEYS) {
      const plain = this.plain.get(key)
      expect(plain).toEqual(this.now.plain.get(key))
      if (typeof plain === 'object' && plain !== null) Object.assign(plain, { changed: 'by the reader' })
      expect(this.stamped.get(key)).toEqual(this.now.stamped.get(key))
    }
    for (const name of this.now.windows.keys()) {
      const [start, key] = splitWindow(name)
      expect(this.windows.fetchOne(key, start)).toEqual(this.visible(key, start))
    }
  }

  private async checkScans(): Promise<void> {
    const sorted = [...this.now.stamped].sort(([a], [b]) => byBytes(a, b)).map(([key, value]) => ({ key, value }))
    expect(await collect(this.stamped.all())).toEqual(sorted)
    const plain = [...this.now.plain].sort(([a], [b]) => byBytes(a, b)).map(([key, value]) => ({ key, value }))
    expect(await collect(this.plain.all())).toEqual(plain)
    const [from, to] = [this.pick(KEYS), this.pick(KEYS)]
    expect(await collect(this.stamped.range(from, to))).toEqual(
      sorted.filter(row => byBytes(row.key, from) >= 0 && byBytes(row.key, to) <= 0)
    )

    const live = [...this.now.windows.keys()].map(splitWindow).filter(([start, key]) => this.visible(key, start))
    const fromMs = this.clockMs - Math.floor(this.random() * RETENTION_MS)
    const toMs = fromMs + Math.floor(this.random() * RETENTION_MS)
    for (const key of KEYS) {
      const expected = live
        .filter(([start, other]) => other === key && start >= fromMs && start <= toMs)
        .sort(([a], [b]) => a - b)
        .map(([start]) => ({ windowStartMs: start, value: this.visible(key, start) }))
      expect(await collect(this.windows.fetch(key, fromMs, toMs))).toEqual(expected)
    }
    const names = (rows: readonly { key: { key: string; startMs: number; endMs: number } }[]) =>
      rows.map(row => `${row.key.startMs} ${row.key.endMs} ${row.key.key}`).sort()
    const nameOf = ([start, key]: readonly [number, string]) => `${start} ${start + 1000} ${key}`
    expect(names(await collect(this.windows.all()))).toEqual(live.map(nameOf).sort())
    const within = live.filter(([start]) => start >= fromMs && start <= toMs)
    expect(names(await collect(this.windows.fetchAll(fromMs, toMs)))).toEqual(within.map(nameOf).sort())
  }

  /** Commits in two halves, so that other steps come between them. */
  private async sealOrWrite(): Promise<void> {
    if (this.sealed === undefined) {
      this.state.flushCaches()
      if (this.cacheBytes > 0) {
        const expected = [...this.now.stamped].map(([key, row]) => [key, row.value])
        expect(new Map(this.now.downstream)).toEqual(new Map(expected as [string, unknown][]))
      }
      this.state.seal()
      this.sealed = copyOf(this.now)
      return
    }
    const written = this.state.writeSealed(new Map([['stamped', this.sealed.changelog.length]]))
    // Processing goes on while the disk works.
    this.change()
    this.checkReads()
    await written
    this.committed = this.sealed
    this.sealed = undefined
    expect(this.state.uncommittedBytes).toBeGreaterThanOrEqual(0)
  }

  private discard(): void {
    this.state.discard()
    this.now = copyOf(this.committed)
    this.sealed = undefined
    expect(this.state.uncommittedBytes).toBe(0)
  }

  private async reopen(): Promise<void> {
    await this.state.close()
    this.now = copyOf(this.committed)
    this.sealed = undefined
    await this.open()
    expect(this.state.checkpoints.get('stamped') ?? 0).toBe(this.committed.changelog.length)
    this.checkReads()
  }

  /** A machine without state arrives at the same rows from the changelogs alone. */
  private async checkRestored(): Promise<void> {
    await this.state.close()
    this.disk = new MemoryDisk()
    await this.open()
    const changes = this.committed.changelog
    for (const name of this.state.stores.keys()) {
      const own = changes.filter(({ store }) => store === name)
      for (let i = 0; i < own.length; i += 17) await this.state.restore(name, new ListedRecords(own.slice(i, i + 17)))
    }
    await this.state.restore('plain', new ListedRecords([], changes.length))
    expect(this.state.checkpoints.get('plain')).toBe(changes.length)
    this.checkReads()
    await this.checkScans()
  }
}

function splitWindow(name: string): readonly [start: number, key: string] {
  const at = name.indexOf(' ')
  return [Number(name.slice(0, at)), name.slice(at + 1)]
}

async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const row of rows) all.push(row)
  return all
}
