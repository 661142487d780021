import { expect, it } from 'vitest'
import {
  NO_HEADERS,
  type OrderedKeyValueStore,
  type SessionStore,
  type TimestampedWindowStore,
  VERSION_IS_LATEST,
  VERSION_NOT_PUT,
  type VersionedKeyValueStore,
  type WindowStore
} from '../core/index.ts'
import type { StoreSpec } from '../topology/index.ts'
import { openTaskState } from './open-task-state.ts'
import type { TaskState } from './task-state.ts'
import { ListedRecords } from './test-support/listed-records.ts'
import { MemoryDisk, randomOf, storeSpec } from './test-support/state-fixture.ts'

const RETENTION_MS = 200_000
const HISTORY_MS = 100_000
const KEYS = ['a', 'ab', 'b', '', 'é', 'a\0', 'a\0\0\0\0\0\0\0\x01', 'z']

type Change = { store: string; key: Uint8Array; value: Uint8Array | null; timestampMs: number }
type Entry = { key: string; startMs: number; endMs: number; value: unknown }
type Expiring = { entries: Entry[]; observedMs: number }
type Version = { key: string; timestampMs: number; value: unknown }

interface Model {
  sessions: Expiring
  windows: Expiring
  duplicates: Expiring
  stamped: Expiring
  ordered: Map<string, unknown>
  versions: Version[]
  versionsObservedMs: number
  /** Sessions as downstream knows them. */
  downstream: Map<string, unknown>
  changelog: Change[]
}

const copyOf = (model: Model): Model => structuredClone(model)
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
const EMPTY: Model = {
  sessions: { entries: [], observedMs: -1 },
  windows: { entries: [], observedMs: -1 },
  duplicates: { entries: [], observedMs: -1 },
  stamped: { entries: [], observedMs: -1 },
  ordered: new Map(),
  versions: [],
  versionsObservedMs: -1,
  downstream: new Map(),
  changelog: []
}

for (const [cacheBytes, persistent] of [
  [0, true],
  [700, true],
  [100_000, true],
  [0, false]
] as const) {
  it.each(Array.from({ length: 6 }, (_, i) => i + 1))(
    `agrees with plain lists, with ${cacheBytes} bytes of cache, persistent: ${persistent}, seed %i`,
    seed => new KindsRun(seed, cacheBytes, persistent).run(250)
  )
}

class KindsRun {
  private readonly random: () => number
  private readonly cacheBytes: number
  private readonly persistent: boolean
  private disk = new MemoryDisk()
  private state!: TaskState
  private now = copyOf(EMPTY)
  private sealed: Model | undefined
  private committed = copyOf(EMPTY)
  private clockMs = 1_000_000

  constructor(seed: number, cacheBytes: number, persistent: boolean) {
    this.random = randomOf(seed)
    this.cacheBytes = cacheBytes
    this.persistent = persistent
  }

  async run(steps: number): Promise<void> {
    await this.open()
    for (let i = 0; i < steps; i++) {
      const roll = this.random()
      if (roll < 0.65) this.change()
      else if (roll < 0.84) this.checkReads()
      else if (roll < 0.86) await this.checkScans()
      else if (roll < 0.88) this.state.flushCaches()
      else if (roll < 0.94) await this.sealOrWrite()
      else if (roll < 0.955) this.discard()
      else if (roll < 0.97) await this.reopen()
      else if (roll < 0.975) await this.rebuildOne()
      else await this.state.expireStep()
    }
    if (this.sealed !== undefined) await this.sealOrWrite()
    await this.sealOrWrite()
    await this.sealOrWrite()
    await this.checkScans()
    await this.reopen()
    while (await this.state.expireStep());
    this.checkReads()
    await this.checkScans()
    this.disk = new MemoryDisk()
    await this.reopen()
    this.checkReads()
    await this.checkScans()
  }

  private specs(): StoreSpec[] {
    const { persistent } = this
    const windowed = { persistent, windowSizeMs: 1000, retentionMs: RETENTION_MS }
    return [
      storeSpec('sessions', 'session', { persistent, retentionMs: RETENTION_MS, timeOrdered: this.cacheBytes === 0 }),
      storeSpec('windows', 'window', { ...windowed, retentionInclusive: true }),
      storeSpec('duplicates', 'window', { ...windowed, retainDuplicates: true }),
      storeSpec('stamped', 'timestamped-window', { ...windowed, timeOrdered: true }),
      storeSpec('ordered', 'ordered-key-value', { persistent }),
      storeSpec('versions', 'versioned-key-value', { persistent, historyRetentionMs: HISTORY_MS })
    ]
  }

  private async open(): Promise<void> {
    this.state = await openTaskState({
      taskId: '0_0',
      specs: this.specs(),
      raw: this.disk.open(),
      changelog: store => (key, value, timestampMs) => {
        const change = { store, key: key.slice(), value: value === null ? null : value.slice(), timestampMs }
        this.now.changelog.push(change)
      },
      changelogTopic: name => `app-${name}-changelog`,
      cacheBytes: this.cacheBytes,
      cleanBytes: 3000,
      recordTimestampMs: () => this.clockMs
    })
    const hasCache = this.sessions.onFlush((key, change, timestampMs) => {
      const name = `${key.key} ${key.startMs} ${key.endMs}`
      expect(change.before).toEqual(this.now.downstream.get(name) ?? null)
      expect(timestampMs).toBe(key.endMs)
      if (change.after === null) this.now.downstream.delete(name)
      else this.now.downstream.set(name, change.after)
    }, true)
    expect(hasCache).toBe(this.cacheBytes > 0)
  }

  private store<S>(name: string): S {
    return this.state.stores.get(name) as unknown as S
  }
  private get sessions() {
    return this.store<SessionStore<string, unknown>>('sessions')
  }
  private get windows() {
    return this.store<WindowStore<string, unknown>>('windows')
  }
  private get duplicates() {
    return this.store<WindowStore<string, unknown>>('duplicates')
  }
  private get stamped() {
    return this.store<TimestampedWindowStore<string, unknown>>('stamped')
  }
  private get ordered() {
    return this.store<OrderedKeyValueStore<string, unknown>>('ordered')
  }
  private get versions() {
    return this.store<VersionedKeyValueStore<string, unknown>>('versions')
  }

  private pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)] as T
  }

  private value(): unknown {
    const kinds = [this.clockMs, 'text', { n: this.clockMs, list: [1] }, true, -0, 'x'.repeat(6000)]
    const value = this.pick(kinds)
    return Object.is(value, -0) ? 0 : value
  }

  // ── changes ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private change(): void {
    const key = this.pick(KEYS)
    const value = this.random() < 0.25 ? null : this.value()
    this.clockMs += Math.floor(this.random() * 4000)
    const timeMs = this.clockMs - Math.floor(this.random() * this.random() * 1.5 * RETENTION_MS)
    const rounded = Math.floor(timeMs / 5000) * 5000
    switch (this.pick(['sessions', 'windows', 'duplicates', 'stamped', 'ordered', 'versions'])) {
      case 'sessions': {
        const known = this.now.sessions.entries.filter(entry => entry.key === key)
        const some = known.length > 0 && this.random() < 0.5 ? this.pick(known) : undefined
        const endMs = some?.endMs ?? rounded
        const startMs = some?.startMs ?? endMs - Math.floor(this.random() * 20) * 1000
        this.sessions.put(key, value, startMs, endMs)
        this.putExpiring(this.now.sessions, { key, startMs, endMs, value }, endMs, 0, false)
        break
      }
      case 'windows':
        this.windows.put(key, value, rounded)
        this.putExpiring(this.now.windows, windowOf(key, rounded, value), rounded, 1, false)
        break
      case 'duplicates': {
        // Few starts and keys, so that many puts meet.
        const [same, startMs] = [key === '' ? key : 'a', Math.floor(timeMs / 50_000) * 50_000]
        this.duplicates.put(same, value, startMs)
        if (value !== null) {
          this.putExpiring(this.now.duplicates, windowOf(same, startMs, value), startMs, 0, true)
        }
        break
      }
      case 'stamped': {
        this.stamped.put(key, value, rounded, this.clockMs, NO_HEADERS)
        const kept = value === null ? null : { value, timestampMs: this.clockMs }
        this.putExpiring(this.now.stamped, windowOf(key, rounded, kept), rounded, 0, false)
        break
      }
      case 'ordered': {
        const name = `${key}${Math.floor(this.random() * 60)}`
        this.ordered.put(name, value)
        if (value === null) this.now.ordered.delete(name)
        else this.now.ordered.set(name, value)
        break
      }
      default:
        this.putVersion(key, value, rounded)
    }
    // The stores must not hold on to the user's objects.
    if (typeof value === 'object' && value !== null) {
      this.now = structuredClone(this.now)
      Object.assign(value, { changed: 'by the user' })
    }
  }

  private putExpiring(store: Expiring, entry: Entry, timeMs: number, graceMs: number, duplicates: boolean): void {
    if (timeMs <= store.observedMs - RETENTION_MS - graceMs || timeMs < 0) return
    store.observedMs = Math.max(store.observedMs, timeMs)
    if (!duplicates) store.entries = store.entries.filter(other => !isSame(other, entry))
    if (entry.value !== null) store.entries.push(entry)
  }

  private putVersion(key: string, value: unknown, timestampMs: number): void {
    const returned = this.versions.put(key, value, timestampMs)
    if (timestampMs < this.now.versionsObservedMs - HISTORY_MS) {
      expect(returned).toBe(VERSION_NOT_PUT)
      return
    }
    this.now.versionsObservedMs = Math.max(this.now.versionsObservedMs, timestampMs)
    this.now.versions = this.now.versions.filter(v => v.key !== key || v.timestampMs !== timestampMs)
    this.now.versions.push({ key, timestampMs, value })
    this.now.versions.sort((a, b) => a.timestampMs - b.timestampMs)
    const next = this.now.versions.find(v => v.key === key && v.timestampMs > timestampMs)
    expect(returned).toBe(next?.timestampMs ?? VERSION_IS_LATEST)
  }

  // ── what should be seen ──────────────────────────────────────────────────────────────────────────────────────────

  /** In order of (end, start, put). */
  private live(store: Expiring, graceMs = 0): Entry[] {
    const timeOf = (entry: Entry) => (store === this.now.sessions ? entry.endMs : entry.startMs)
    return store.entries
      .filter(entry => timeOf(entry) > store.observedMs - RETENTION_MS - graceMs)
      .sort((a, b) => a.endMs - b.endMs || a.startMs - b.startMs)
  }

  private versionAsOf(key: string, asOfMs: number): unknown {
    const all = this.now.versions.filter(v => v.key === key)
    const at = all.findLastIndex(v => v.timestampMs <= asOfMs)
    const version = all[at]
    if (version === undefined || version.value === null) return undefined
    const validToMs = all[at + 1]?.timestampMs
    if (validToMs !== undefined && asOfMs < this.now.versionsObservedMs - HISTORY_MS) return undefined
    return { value: version.value, timestampMs: version.timestampMs, validToMs }
  }

  private checkReads(): void {
    for (const key of KEYS) {
      const from = this.clockMs - Math.floor(this.random() * RETENTION_MS)
      const to = from + Math.floor(this.random() * RETENTION_MS)
      const within = (entry: Entry) => entry.key === key && entry.startMs >= from && entry.startMs <= to
      const rowOf = (entry: Entry) => ({ windowStartMs: entry.startMs, value: entry.value })
      expect(this.windows.fetchRange(key, from, to)).toEqual(this.live(this.now.windows, 1).filter(within).map(rowOf))
      expect(this.duplicates.fetchRange(key, from, to)).toEqual(
        this.live(this.now.duplicates).filter(within).map(rowOf)
      )
      expect(this.stamped.fetchRange(key, from, to)).toEqual(this.live(this.now.stamped).filter(within).map(rowOf))
      expect(this.sessions.findSessions(key, from, to)).toEqual(
        this.live(this.now.sessions)
          .filter(entry => entry.key === key && entry.endMs >= from && entry.startMs <= to)
          .map(({ startMs, endMs, value }) => ({ startMs, endMs, value }))
      )
      const one = this.now.sessions.entries.find(entry => entry.key === key)
      if (one !== undefined) {
        const isLive = this.live(this.now.sessions).includes(one)
        expect(this.sessions.fetchSession(key, one.startMs, one.endMs)).toEqual(isLive ? one.value : undefined)
      }
      const first = this.live(this.now.duplicates).find(entry => entry.key === key)
      if (first !== undefined) {
        expect(this.duplicates.fetchOne(key, first.startMs)).toEqual(first.value)
        expect(this.stamped.fetchOne(key, first.startMs)).toEqual(
          this.live(this.now.stamped).find(entry => isSame(entry, first))?.value
        )
      }
      expect(this.versions.get(key)).toEqual(this.versionAsOf(key, Number.MAX_SAFE_INTEGER))
      for (const asOfMs of [from, from - HISTORY_MS, this.now.versionsObservedMs - HISTORY_MS, this.clockMs]) {
        expect(this.versions.getAsOf(key, asOfMs)).toEqual(this.versionAsOf(key, asOfMs))
      }
      const name = `${key}${Math.floor(this.random() * 60)}`
      expect(this.ordered.get(name)).toEqual(this.now.ordered.get(name))
    }
    this.checkCursors()
  }

  private checkCursors(): void {
    const sorted = [...this.now.ordered].sort(([a], [b]) => byBytes(a, b))
    const prefix = this.pick(KEYS)
    const seen: unknown[] = []
    for (const cursor = this.ordered.prefixCursor(Buffer.from(prefix)); cursor.next(); ) {
      seen.push([cursor.key, cursor.value])
    }
    expect(seen).toEqual(sorted.filter(([key]) => key.startsWith(prefix)))
    const first = this.ordered.first()
    expect(first === undefined ? undefined : [first.key, first.value]).toEqual(sorted[0])

    const from = this.clockMs - Math.floor(this.random() * RETENTION_MS)
    const to = from + Math.floor(this.random() * RETENTION_MS)
    const windows: unknown[] = []
    for (const cursor = this.stamped.windowsByTime(from, to); cursor.next(); ) {
      windows.push([cursor.key.startMs, cursor.key.endMs, cursor.key.key, cursor.value])
    }
    expect(windows).toEqual(
      this.live(this.now.stamped)
        .filter(entry => entry.startMs >= from && entry.startMs <= to)
        .sort((a, b) => a.startMs - b.startMs || byBytes(a.key, b.key))
        .map(entry => [entry.startMs, entry.endMs, entry.key, entry.value])
    )
    if (this.cacheBytes > 0) return
    const liveFrom = this.now.sessions.observedMs - RETENTION_MS
    const sessions: unknown[] = []
    for (const cursor = this.sessions.sessionsByTime(0, to); cursor.next(); ) {
      const { key } = cursor
      if (key.endMs > liveFrom) sessions.push([key.endMs, key.startMs, key.key, cursor.value])
    }
    expect(sessions).toEqual(
      this.live(this.now.sessions)
        .filter(entry => entry.endMs <= to)
        .sort((a, b) => a.endMs - b.endMs || a.startMs - b.startMs || byBytes(a.key, b.key))
        .map(entry => [entry.endMs, entry.startMs, entry.key, entry.value])
    )
  }

  private async checkScans(): Promise<void> {
    const named = (rows: readonly { key: { key: string; startMs: number; endMs: number }; value: unknown }[]) =>
      rows.map(({ key, value }) => JSON.stringify([key.key, key.startMs, key.endMs, value])).sort()
    const expected = (entries: readonly Entry[]) =>
      entries.map(({ key, startMs, endMs, value }) => JSON.stringify([key, startMs, endMs, value])).sort()
    expect(named(await collect(this.sessions.all()))).toEqual(expected(this.live(this.now.sessions)))
    expect(named(await collect(this.windows.all()))).toEqual(expected(this.live(this.now.windows, 1)))
    expect(named(await collect(this.duplicates.all()))).toEqual(expected(this.live(this.now.duplicates)))
    expect(named(await collect(this.stamped.all()))).toEqual(expected(this.live(this.now.stamped)))
    const sorted = [...this.now.ordered].sort(([a], [b]) => byBytes(a, b)).map(([key, value]) => ({ key, value }))
    expect(await collect(this.ordered.all())).toEqual(sorted)
    const latest = KEYS.map(key => ({ key, value: this.versionAsOf(key, Number.MAX_SAFE_INTEGER) }))
    const byKey = latest.filter(row => row.value !== undefined).sort((a, b) => byBytes(a.key, b.key))
    expect(await collect(this.versions.all())).toEqual(byKey)
  }

  // ── commit, restart ──────────────────────────────────────────────────────────────────────────────────────────────

  private async sealOrWrite(): Promise<void> {
    if (this.sealed === undefined) {
      this.state.flushCaches()
      this.state.seal()
      this.sealed = copyOf(this.now)
      return
    }
    const written = this.state.writeSealed(this.offsets(this.sealed))
    // Processing goes on while the disk works.
    this.change()
    this.checkReads()
    await written
    this.committed = this.sealed
    this.sealed = undefined
  }

  private offsets(model: Model): Map<string, number> {
    return new Map(this.specs().map(spec => [spec.name, model.changelog.length]))
  }

  private discard(): void {
    this.state.discard()
    this.now = copyOf(this.committed)
    this.sealed = undefined
    expect(this.state.uncommittedBytes).toBe(0)
  }

  /** Restores what the disk lacks: all, when there is none or the stores are in memory. */
  private async reopen(): Promise<void> {
    await this.state.close()
    this.now = copyOf(this.committed)
    this.sealed = undefined
    await this.open()
    const { changelog } = this.committed
    await this.restore(this.specs().map(spec => spec.name))
    expect(this.now.changelog.length).toBe(changelog.length)
    this.checkReads()
  }

  private async restore(names: readonly string[]): Promise<void> {
    const { changelog } = this.committed
    const checkpoints = new Map(names.map(name => [name, this.state.checkpoints.get(name) ?? 0]))
    for (const name of names) {
      const missing = changelog.filter(({ store }, i) => store === name && i >= (checkpoints.get(name) as number))
      for (let i = 0; i < missing.length; i += 37)
        await this.state.restore(name, new ListedRecords(missing.slice(i, i + 37)))
      await this.state.restore(name, new ListedRecords([], changelog.length))
    }
    // A cache may have kept the newest entry from the changelog: what is restored from there alone knows no more.
    for (const name of ['sessions', 'windows'] as const) {
      if (checkpoints.get(name) !== 0) continue
      const times = changelog.filter(change => change.store === name).map(({ key }) => timeInKey(name, key))
      for (const model of [this.now, this.committed]) model[name].observedMs = Math.max(-1, ...times)
    }
    expect(this.state.uncommittedBytes).toBe(0)
  }

  private async rebuildOne(): Promise<void> {
    this.discard()
    const name = this.pick(this.specs()).name
    await this.state.clearStore(name)
    await this.restore([name])
    this.checkReads()
  }
}

function windowOf(key: string, startMs: number, value: unknown): Entry {
  return { key, startMs, endMs: startMs + 1000, value }
}

/** Both kinds of key have it 16 or 12 bytes before their end. */
function timeInKey(name: 'sessions' | 'windows', key: Uint8Array): number {
  return Number(Buffer.from(key).readBigInt64BE(key.length - (name === 'sessions' ? 16 : 12)))
}

function isSame(a: Entry, b: Entry): boolean {
  return a.key === b.key && a.startMs === b.startMs && a.endMs === b.endMs
}

async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const row of rows) all.push(row)
  return all
}
