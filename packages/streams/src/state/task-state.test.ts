import { describe, expect, it } from 'vitest'
import {
  type Change,
  NO_HEADERS,
  type SessionStore,
  type TimestampedKeyValueStore,
  type TimestampedWindowStore,
  type Windowed
} from '../core/index.ts'
import type { RawRow } from '../ports/index.ts'
import type { StoreSpec } from '../topology/index.ts'
import { openTaskState, type TaskStateOptions } from './open-task-state.ts'
import type { RowTable } from './row-table.ts'
import type { TaskState } from './task-state.ts'
import type { TaskStores } from './task-stores.ts'
import { ListedRecords } from './test-support/listed-records.ts'
import { json, MemoryDisk, storeSpec } from './test-support/state-fixture.ts'

type Counts = TimestampedKeyValueStore<string, unknown>
type Windows = TimestampedWindowStore<string, unknown>
const NO_OFFSETS = new Map<string, number>()

class Bench {
  readonly disk = new MemoryDisk()
  readonly log: { store: string; key: string; value: string | null; timestampMs: number }[] = []
  state!: TaskState

  async open(specs: readonly StoreSpec[], options: Partial<TaskStateOptions> = {}): Promise<TaskState> {
    this.state = await openTaskState({
      taskId: '0_0',
      specs,
      raw: this.disk.open(),
      changelog: store => (key, value, timestampMs) => {
        const hex = Buffer.from(key).toString('hex')
        this.log.push({ store, key: hex, value: value === null ? null : String(Buffer.from(value)), timestampMs })
      },
      changelogTopic: name => `app-${name}-changelog`,
      cacheBytes: 0,
      ...options
    })
    return this.state
  }

  counts(name = 'counts'): Counts {
    return this.state.stores.get(name) as Counts
  }

  windows(): Windows {
    return this.state.stores.get('windows') as Windows
  }

  async commit(offsets: ReadonlyMap<string, number> = NO_OFFSETS): Promise<void> {
    this.state.flushCaches()
    this.state.seal()
    await this.state.writeSealed(offsets)
  }

  async rawRows(): Promise<string[]> {
    const rows: RawRow[] = []
    for await (const row of this.disk.open().iterate({ from: Uint8Array.of(1) })) rows.push(row)
    return rows.map(row => `${Buffer.from(row.key).toString('hex')}=${Buffer.from(row.value).toString('hex')}`)
  }
}

const hex = (value: string) => Buffer.from(value).toString('hex')
const record = (key: string, value: string | null, timestampMs: number) => ({
  key: Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  timestampMs
})
const counts = storeSpec('counts', 'timestamped-key-value')
const windows = storeSpec('windows', 'timestamped-window')

describe('bytes', () => {
  it('lays out rows and changelog records as Kafka Streams does', async () => {
    const bench = new Bench()
    await bench.open([counts, windows])
    bench.counts().put('k', 7, 0x0102, NO_HEADERS)
    bench.windows().put('k', 7, 200_000, 0x0102, NO_HEADERS)
    bench.counts().put('k', null, 9, NO_HEADERS)
    expect(bench.log).toEqual([
      { store: 'counts', key: hex('k'), value: '7', timestampMs: 0x0102 },
      { store: 'windows', key: `${hex('k')}0000000000030d4000000000`, value: '7', timestampMs: 0x0102 },
      { store: 'counts', key: hex('k'), value: null, timestampMs: 9 }
    ])
    bench.counts().put('k', 7, 0x0102, NO_HEADERS)
    await bench.commit()
    expect(await bench.rawRows()).toEqual([
      `010001${hex('k')}=0000000000000102${hex('7')}`,
      // Retention 200 s: buckets of 100 s.
      // A group of one item: level 0, 1 item, key of 8 bytes, value of 1.
      `0100020000000000000002${hex('k')}00=0001${'0802'}0000000000030d40${'0000000000000102'}${hex('7')}`
    ])
  })

  it('finds the rows of each store again when stores are added before it', async () => {
    const bench = new Bench()
    await bench.open([counts])
    bench.counts().put('k', 1, 5, NO_HEADERS)
    await bench.commit(new Map([['counts', 3]]))
    await bench.open([storeSpec('added', 'timestamped-key-value'), counts])
    expect(bench.counts().get('k')).toEqual({ value: 1, timestampMs: 5 })
    expect(bench.counts('added').get('k')).toBeUndefined()
    expect(bench.state.checkpoints).toEqual(new Map([['counts', 3]]))
  })

  it('rebuilds a store whose layout has changed, and refuses when it has no changelog', async () => {
    const bench = new Bench()
    await bench.open([counts])
    bench.counts().put('k', 1, 5, NO_HEADERS)
    await bench.commit(new Map([['counts', 3]]))
    const plain = storeSpec('counts', 'key-value')
    await expect(bench.open([{ ...plain, changelog: undefined }])).rejects.toMatchObject({
      code: 'STATE_LAYOUT_CHANGED',
      action: 'stop'
    })
    await bench.open([plain])
    expect(bench.counts().get('k')).toBeUndefined()
    expect(bench.state.checkpoints).toEqual(new Map())
    expect(await bench.rawRows()).toEqual([])
  })
})

describe('record cache', () => {
  const cached = { cacheBytes: 100_000 }

  it('refuses a value that the serde refuses at its own put, and keeps the updates of other keys', async () => {
    const serialize = (value: unknown) => (value === 'bad' ? fail() : json.serialize(value, CONTEXT))
    const bench = new Bench()
    await bench.open([{ ...counts, value: { ...json, serialize } }], cached)
    bench.counts().put('a', 1, 1, NO_HEADERS)
    bench.counts().put('bad', 1, 1, NO_HEADERS)
    expect(() => bench.counts().put('bad', 'bad', 2, NO_HEADERS)).toThrow('RECORD_SERIALIZE_FAILED')
    bench.counts().put('c', 3, 3, NO_HEADERS)
    await bench.commit()
    expect(bench.log.map(({ value }) => value)).toEqual(['1', '1', '3'])
    expect(bench.counts().get('bad')).toEqual({ value: 1, timestampMs: 1 })
  })

  it('drops an update that the changelog refuses, and keeps those of other keys for the next flush', async () => {
    const bench = new Bench()
    const sent: string[] = []
    const append = (key: Uint8Array) =>
      String(Buffer.from(key)) === 'b' ? fail() : sent.push(String(Buffer.from(key)))
    await bench.open([counts], { ...cached, changelog: () => append })
    for (const key of ['a', 'b', 'c', 'd']) bench.counts().put(key, 1, 1, NO_HEADERS)
    expect(() => bench.state.flushCaches()).toThrow('refused')
    bench.counts().put('d', 2, 2, NO_HEADERS)
    await bench.commit()
    expect(sent).toEqual(['a', 'c', 'd'])
    expect(bench.counts().get('b')).toBeUndefined()
    expect(bench.counts().get('d')).toEqual({ value: 2, timestampMs: 2 })
  })

  it('forwards each key once, in the order of last updates, with the value last forwarded', async () => {
    const bench = new Bench()
    await bench.open([counts], cached)
    const flushed: unknown[] = []
    bench
      .counts()
      .onFlush((key, change, timestampMs, headers) => flushed.push([key, change, timestampMs, headers]), true)
    const headers = [['h', null]] as const
    bench.counts().put('a', 1, 1, NO_HEADERS)
    bench.counts().put('b', 1, 2, NO_HEADERS)
    bench.counts().put('a', 2, 3, headers)
    expect(bench.log).toEqual([])
    bench.state.flushCaches()
    bench.counts().put('a', 3, 4, NO_HEADERS)
    bench.state.flushCaches()
    bench.state.flushCaches()
    expect(flushed).toEqual([
      ['b', { before: null, after: 1, isLatest: true }, 2, NO_HEADERS],
      ['a', { before: null, after: 2, isLatest: true }, 3, headers],
      ['a', { before: 2, after: 3, isLatest: true }, 4, NO_HEADERS]
    ])
    expect(bench.log.map(change => change.value)).toEqual(['1', '2', '3'])
  })

  it('tells nobody of a key created and deleted between two flushes', async () => {
    const bench = new Bench()
    await bench.open([counts], cached)
    const flushed: unknown[] = []
    bench.counts().onFlush((key, change) => flushed.push([key, change.after]), false)
    bench.counts().put('a', 1, 1, NO_HEADERS)
    bench.counts().put('a', null, 2, NO_HEADERS)
    bench.state.flushCaches()
    expect(flushed).toEqual([])
    expect(bench.log).toEqual([])
    // A known one is deleted downstream too.
    bench.counts().put('b', 1, 1, NO_HEADERS)
    bench.state.flushCaches()
    bench.counts().put('b', null, 2, NO_HEADERS)
    bench.state.flushCaches()
    expect(flushed).toEqual([
      ['b', 1],
      ['b', null]
    ])
    expect(bench.counts().get('b')).toBeUndefined()
  })

  it('flushes the whole store when its bytes exceed the limit', async () => {
    const bench = new Bench()
    await bench.open([counts], { cacheBytes: 300 })
    const flushed: string[] = []
    bench.counts().onFlush(key => flushed.push(key), false)
    for (const key of ['a', 'b', 'a', 'c', 'd', 'e']) bench.counts().put(key, 1, 1, NO_HEADERS)
    expect(flushed).toEqual(['b', 'a', 'c', 'd', 'e'].slice(0, flushed.length))
    expect(flushed).not.toHaveLength(0)
  })

  it('flushes again what a flush put, and keeps the newest of an update made meanwhile', async () => {
    const bench = new Bench()
    await bench.open([counts, storeSpec('next', 'timestamped-key-value')], cached)
    const flushed: unknown[] = []
    bench.counts().onFlush((key, change) => {
      flushed.push(['counts', key, change.before, change.after])
      // A downstream processor that writes into both stores, one of them ahead of what is being flushed.
      if (key === 'a' && change.after === 1) {
        expect(bench.counts().get('b')).toEqual({ value: 1, timestampMs: 1 })
        bench.counts().put('b', 2, 2, NO_HEADERS)
        bench.counts().put('a', 5, 2, NO_HEADERS)
      }
      bench.counts('next').put(key, change.after, 1, NO_HEADERS)
    }, true)
    bench.counts('next').onFlush((key, change) => flushed.push(['next', key, change.before, change.after]), true)
    bench.counts().put('a', 1, 1, NO_HEADERS)
    bench.counts().put('b', 1, 1, NO_HEADERS)
    bench.state.flushCaches()
    expect(flushed).toEqual([
      ['counts', 'a', null, 1],
      ['counts', 'b', null, 1],
      ['next', 'a', null, 1],
      ['next', 'b', null, 1],
      ['counts', 'b', 1, 2],
      ['counts', 'a', 1, 5],
      ['next', 'b', 1, 2],
      ['next', 'a', 1, 5]
    ])
    expect(bench.counts().get('b')).toEqual({ value: 2, timestampMs: 2 })
  })

  it('lets no update made during a flush overtake the ones of that flush', async () => {
    const bench = new Bench()
    await bench.open([counts], { cacheBytes: 200 })
    const flushed: unknown[] = []
    bench.counts().onFlush((key, change) => {
      flushed.push([key, change.before, change.after])
      // Exceeds the bytes again, in the middle of the flush.
      if (key === 'a' && change.after === 1) bench.counts().put('b', 'x'.repeat(300), 2, NO_HEADERS)
    }, true)
    bench.counts().put('a', 1, 1, NO_HEADERS)
    bench.counts().put('b', 1, 1, NO_HEADERS)
    bench.state.flushCaches()
    expect(flushed).toEqual([
      ['a', null, 1],
      ['b', null, 1],
      ['b', 1, 'x'.repeat(300)]
    ])
    expect(bench.log.at(-1)?.value).toBe(JSON.stringify('x'.repeat(300)))
    expect(bench.counts().get('b')?.value).toBe('x'.repeat(300))
  })

  it('refuses the value of a window that the serde refuses at its own put', async () => {
    const serialize = (value: unknown) => (value === 'bad' ? fail() : json.serialize(value, CONTEXT))
    const bench = new Bench()
    await bench.open([{ ...windows, value: { ...json, serialize } }], cached)
    bench.windows().put('a', 1, 5000, 1, NO_HEADERS)
    expect(() => bench.windows().put('a', 'bad', 5000, 2, NO_HEADERS)).toThrow('RECORD_SERIALIZE_FAILED')
    await bench.commit()
    expect(bench.windows().fetchOne('a', 5000)).toEqual({ value: 1, timestampMs: 1 })
  })

  it('drops an update of a window that the changelog refuses, and keeps those of others', async () => {
    const bench = new Bench()
    const sent: string[] = []
    const append = (key: Uint8Array) =>
      Buffer.from(key).toString('latin1').startsWith('b') ? fail() : sent.push(String.fromCharCode(key[0] as number))
    await bench.open([windows, storeSpec('sessions', 'session')], { ...cached, changelog: () => append })
    const sessions = bench.state.stores.get('sessions') as SessionStore<string, unknown>
    for (const key of ['a', 'b', 'c']) bench.windows().put(key, 1, 5000, 1, NO_HEADERS)
    for (const key of ['d', 'bb', 'e']) sessions.put(key, 1, 5000, 6000)
    expect(() => bench.state.flushCaches()).toThrow('refused')
    expect(() => bench.state.flushCaches()).toThrow('refused')
    await bench.commit()
    expect(sent).toEqual(['a', 'c', 'd', 'e'])
    expect(bench.windows().fetchOne('b', 5000)).toBeUndefined()
    expect(bench.windows().fetchOne('c', 5000)).toEqual({ value: 1, timestampMs: 1 })
    expect(sessions.fetchSession('bb', 5000, 6000)).toBeUndefined()
    expect(sessions.fetchSession('e', 5000, 6000)).toBe(1)
  })

  it('tells what was last forwarded of a window and of a session', async () => {
    const bench = new Bench()
    await bench.open([windows, storeSpec('sessions', 'session')], cached)
    const sessions = bench.state.stores.get('sessions') as SessionStore<string, unknown>
    bench.windows().put('a', 1, 5000, 1, NO_HEADERS)
    sessions.put('a', 1, 5000, 6000)
    expect(bench.windows().getForwarded('a', 5000)).toBeUndefined()
    expect(sessions.getForwarded('a', 5000, 6000)).toBeUndefined()
    bench.state.flushCaches()
    bench.windows().put('a', 2, 5000, 2, NO_HEADERS)
    sessions.remove('a', 5000, 6000)
    expect(bench.windows().getForwarded('a', 5000)).toEqual({ value: 1, timestampMs: 1 })
    expect(sessions.getForwarded('a', 5000, 6000)).toBe(1)
    expect(bench.windows().fetchOne('a', 5000)).toEqual({ value: 2, timestampMs: 2 })
    expect(sessions.fetchSession('a', 5000, 6000)).toBeUndefined()
  })

  it('forgets what was forwarded of a window no sooner than others could have heard of it', async () => {
    const bench = new Bench()
    const retentionMs = 1000
    await bench.open(
      [
        { ...windows, retentionMs },
        { ...storeSpec('sessions', 'session'), retentionMs }
      ],
      cached
    )
    const sessions = bench.state.stores.get('sessions') as SessionStore<string, unknown>
    bench.windows().put('a', 1, 5000, 1, NO_HEADERS)
    sessions.put('a', 1, 5000, 5000)
    // Expired already when it is flushed, and with it what waits elsewhere to be joined with it.
    bench.windows().put('b', 1, 9000, 1, NO_HEADERS)
    sessions.put('b', 1, 9000, 9000)
    bench.state.flushCaches()
    expect(bench.windows().getForwarded('a', 5000)).toEqual({ value: 1, timestampMs: 1 })
    expect(sessions.getForwarded('a', 5000, 5000)).toBe(1)
    expect(bench.windows().fetchOne('a', 5000)).toBeUndefined()
    await bench.commit()
    expect(bench.windows().getForwarded('a', 5000)).toBeUndefined()
    expect(sessions.getForwarded('a', 5000, 5000)).toBeUndefined()
    expect(bench.windows().getForwarded('b', 9000)).toEqual({ value: 1, timestampMs: 1 })
  })

  it('lets no update that has expired overtake one that is held back', async () => {
    const bench = new Bench()
    const retentionMs = 1000
    await bench.open(
      [
        { ...windows, retentionMs },
        { ...storeSpec('sessions', 'session'), retentionMs }
      ],
      cached
    )
    const sessions = bench.state.stores.get('sessions') as SessionStore<string, unknown>
    const flushed: string[] = []
    bench.windows().onFlush(({ key, startMs }) => flushed.push(`${key}${startMs}`), false)
    sessions.onFlush(({ key, startMs }) => flushed.push(`session ${key}${startMs}`), false)
    bench.windows().put('a', 1, 5000, 1, NO_HEADERS)
    bench.windows().put('a', 1, 9000, 1, NO_HEADERS)
    expect(bench.windows().put('b', 2, 5000, 2, NO_HEADERS)).toBe(false)
    expect(flushed).toEqual([])
    // The caller forwards it itself, and at once.
    expect(bench.windows().put('a', 2, 5000, 2, NO_HEADERS)).toBe(false)
    expect(flushed).toEqual(['a5000', 'a9000'])
    sessions.put('a', 1, 5000, 5000)
    sessions.put('a', 1, 9000, 9000)
    expect(sessions.put('a', 2, 5000, 5000)).toBe(false)
    expect(flushed).toEqual(['a5000', 'a9000', 'session a5000', 'session a9000'])
  })

  it('forwards windows with their bounds', async () => {
    const bench = new Bench()
    await bench.open([windows], cached)
    const flushed: [Windowed<string>, Change<unknown>][] = []
    bench.windows().onFlush((key, change) => flushed.push([key, change]), true)
    bench.windows().put('a', { n: 1 }, 5000, 1, NO_HEADERS)
    bench.state.flushCaches()
    expect(flushed).toEqual([
      [
        { key: 'a', startMs: 5000, endMs: 6000 },
        { before: null, after: { n: 1 }, isLatest: true }
      ]
    ])
  })
})

describe('scans', () => {
  it('miss nothing that moves to disk while they go on', async () => {
    const bench = new Bench()
    await bench.open([counts], { cleanBytes: 1000 })
    const keys = Array.from({ length: 500 }, (_, i) => `k${String(i).padStart(3, '0')}`)
    for (const key of keys) if (key.endsWith('1')) bench.counts().put(key, 0, 1, NO_HEADERS)
    await bench.commit()
    for (const key of keys) bench.counts().put(key, 1, 1, NO_HEADERS)
    const seen: string[] = []
    for await (const row of bench.counts().all()) {
      expect(row.value.value).toBe(1)
      seen.push(row.key)
      if (seen.length === 10) await bench.commit()
    }
    expect(seen).toEqual(keys)
  })

  it('do not miss what moves to disk while a page is read', async () => {
    const bench = new Bench()
    const slow = bench.disk.open()
    let pause = async () => {}
    await bench.open([counts], {
      cleanBytes: 0,
      raw: {
        ...slow,
        async *iterate(range) {
          const rows: RawRow[] = []
          for await (const row of slow.iterate(range)) rows.push(row)
          await pause()
          yield* rows
        }
      }
    })
    bench.counts().put('a', 1, 1, NO_HEADERS)
    bench.counts().put('b', 1, 1, NO_HEADERS)
    pause = async () => {
      pause = async () => {}
      await bench.commit()
    }
    const seen: string[] = []
    for await (const row of bench.counts().all()) seen.push(row.key)
    expect(seen).toEqual(['a', 'b'])
  })

  it.each([0, 100_000])('see writes made ahead of them, with %i bytes of cache', async cacheBytes => {
    const bench = new Bench()
    await bench.open([counts], { cacheBytes })
    for (const key of ['a', 'c', 'e']) bench.counts().put(key, 1, 1, NO_HEADERS)
    await bench.commit()
    const seen: unknown[] = []
    for await (const row of bench.counts().all()) {
      seen.push([row.key, row.value.value])
      if (row.key === 'a') {
        bench.counts().put('b', 2, 1, NO_HEADERS)
        bench.counts().put('c', null, 1, NO_HEADERS)
        bench.counts().put('e', 3, 1, NO_HEADERS)
      }
    }
    expect(seen).toEqual([
      ['a', 1],
      ['b', 2],
      ['e', 3]
    ])
  })

  it('tell a key from a longer one whose bytes lie between its windows', async () => {
    const bench = new Bench()
    await bench.open([windows])
    bench.windows().put('a', 1, 1_000_000, 1, NO_HEADERS)
    bench.windows().put('a\0\0\0\0\0\u000f\u0042\u0050', 2, 1_000_000, 1, NO_HEADERS)
    bench.windows().put('a', 3, 1_000_100, 1, NO_HEADERS)
    const seen: unknown[] = []
    for await (const row of bench.windows().fetch('a', 0, 2_000_000)) seen.push([row.windowStartMs, row.value.value])
    expect(seen).toEqual([
      [1_000_000, 1],
      [1_000_100, 3]
    ])
  })
})

describe('windows', () => {
  it('expire by the largest start ever put, also after a restart', async () => {
    const bench = new Bench()
    await bench.open([windows])
    bench.windows().put('a', 1, 1000, 1, NO_HEADERS)
    bench.windows().put('b', 1, 201_000, 1, NO_HEADERS)
    expect(bench.windows().fetchOne('a', 1000)).toBeUndefined()
    bench.windows().put('c', 1, 1000, 1, NO_HEADERS)
    bench.windows().put('c', 1, 1001, 1, NO_HEADERS)
    expect(bench.log.map(change => Buffer.from(change.key, 'hex').toString('latin1', 0, 1))).toEqual(['a', 'b', 'c'])
    bench.windows().put('b', null, 201_000, 1, NO_HEADERS)
    await bench.commit()
    await bench.open([windows])
    bench.windows().put('d', 1, 1000, 1, NO_HEADERS)
    expect(bench.windows().fetchOne('d', 1000)).toBeUndefined()
    expect(bench.windows().fetchOne('c', 1001)).toBeDefined()
  })

  it('are cleared from disk in bounded steps once their whole bucket has expired', async () => {
    const bench = new Bench()
    await bench.open([windows, counts])
    for (let i = 0; i < 5000; i++) bench.windows().put(`k${i}`, 1, 50_000, 1, NO_HEADERS)
    bench.counts().put('stays', 1, 1, NO_HEADERS)
    await bench.commit()
    bench.windows().put('late', 1, 250_001, 1, NO_HEADERS)
    await bench.commit()
    // Bucket 0 reaches to 99,999 and the bound is 50,001.
    expect(await bench.state.expireStep()).toBe(false)
    bench.windows().put('late', 1, 299_999, 1, NO_HEADERS)
    await bench.commit()
    const sizes: number[] = []
    while (await bench.state.expireStep()) sizes.push((await bench.rawRows()).length)
    expect(sizes).toEqual([3002, 1002, 2])
  })

  it('of several stores take turns, so that a busy one keeps no other from being cleared', async () => {
    const bench = new Bench()
    await bench.open([
      { ...windows, name: 'busy' },
      { ...windows, name: 'quiet' }
    ])
    const windowsOf = (name: string) => bench.state.stores.get(name) as Windows
    for (let i = 0; i < 5000; i++) windowsOf('busy').put(`k${i}`, 1, 50_000, 1, NO_HEADERS)
    windowsOf('quiet').put('k', 1, 50_000, 1, NO_HEADERS)
    for (const name of ['busy', 'quiet']) windowsOf(name).put('late', 1, 299_999, 1, NO_HEADERS)
    await bench.commit()
    await bench.state.expireStep()
    await bench.state.expireStep()
    expect((await bench.rawRows()).length).toBe(3000 + 2)
  })
})

describe('commits', () => {
  it('leave no trace when the serde or the changelog refuses a value', async () => {
    const bench = new Bench()
    const refusing = {
      ...json,
      serialize: (value: unknown) => (value === 'bad' ? fail() : json.serialize(value, CONTEXT))
    }
    await bench.open([
      { ...counts, value: refusing },
      { ...windows, value: refusing }
    ])
    bench.windows().put('w', 1, 1000, 1, NO_HEADERS)
    expect(() => bench.windows().put('w', 'bad', 900_000, 1, NO_HEADERS)).toThrow('RECORD_SERIALIZE_FAILED')
    expect(bench.windows().fetchOne('w', 1000)?.value).toBe(1)
    bench.counts().put('a', 1, 1, NO_HEADERS)
    expect(() => bench.counts().put('a', 'bad', 2, NO_HEADERS)).toThrow("for store 'counts'")
    const entryCount = entriesOf(bench, 'counts').size
    expect(() => bench.counts().put('b', 'bad', 2, NO_HEADERS)).toThrow('RECORD_SERIALIZE_FAILED')
    expect(entriesOf(bench, 'counts').size).toBe(entryCount)
    expect(bench.counts().get('a')).toEqual({ value: 1, timestampMs: 1 })
    expect(bench.counts().get('b')).toBeUndefined()
    await bench.commit()
    expect(await bench.rawRows()).toHaveLength(2)
  })

  it('are whole or absent when any write fails, and can be tried again', async () => {
    for (let failing = 2; failing <= 4; failing++) {
      const bench = new Bench()
      bench.disk.failWrite = failing
      await bench.open([counts, windows])
      let committed = 0
      for (let round = 1; round <= 3; round++) {
        for (const key of ['a', 'b']) bench.counts().put(key, round, 1, NO_HEADERS)
        bench.windows().put('w', round, round * 1000, 1, NO_HEADERS)
        bench.state.seal()
        const offsets = new Map([['counts', round]])
        try {
          await bench.state.writeSealed(offsets)
        } catch {
          // The failed commit changed nothing on disk and nothing in memory.
          expect(bench.counts().get('a')).toEqual({ value: round, timestampMs: 1 })
          await expectOnDisk(bench, committed)
          await bench.state.writeSealed(offsets)
        }
        committed = round
        await expectOnDisk(bench, committed)
      }
      expect(bench.disk.writeCount).toBe(5)
    }
  })

  it('refuse a second sealed generation', async () => {
    const bench = new Bench()
    await bench.open([counts])
    bench.state.seal()
    expect(() => bench.state.seal()).toThrow('sealed a second generation')
  })

  it('count uncommitted bytes in both generations', async () => {
    const bench = new Bench()
    await bench.open([counts])
    bench.counts().put('a', 'x'.repeat(1000), 1, NO_HEADERS)
    const one = bench.state.uncommittedBytes
    expect(one).toBeGreaterThan(1000)
    expect(one).toBeLessThan(1300)
    bench.counts().put('a', 'x'.repeat(1000), 1, NO_HEADERS)
    expect(bench.state.uncommittedBytes).toBe(one)
    bench.state.seal()
    bench.counts().put('a', 'x'.repeat(1000), 1, NO_HEADERS)
    expect(bench.state.uncommittedBytes).toBe(2 * one)
    await bench.state.writeSealed(NO_OFFSETS)
    expect(bench.state.uncommittedBytes).toBe(one)
    bench.state.discard()
    expect(bench.state.uncommittedBytes).toBe(0)
  })
})

describe('restoring', () => {
  it('writes nothing to a changelog that is a source topic, and restores from it', async () => {
    const bench = new Bench()
    await bench.open([{ ...counts, changelog: { sourceTopic: 'in', topicConfig: {} } }])
    bench.counts().put('a', 1, 1, NO_HEADERS)
    expect(bench.log).toEqual([])
    bench.state.discard()
    await bench.state.restore('counts', new ListedRecords([record('a', '2', 7)], 1))
    expect(bench.counts().get('a')).toEqual({ value: 2, timestampMs: 7 })
    expect(bench.state.checkpoints).toEqual(new Map([['counts', 1]]))
  })

  it('replaces what was read before', async () => {
    const bench = new Bench()
    await bench.open([counts])
    expect(bench.counts().get('a')).toBeUndefined()
    await bench.state.restore('counts', new ListedRecords([record('a', '2', 7), record('b', '3', 8)]))
    expect(bench.counts().get('a')).toEqual({ value: 2, timestampMs: 7 })
    expect(bench.counts().approximateNumEntries()).toBe(2)
    await bench.state.restore('counts', new ListedRecords([record('a', null, 8)]))
    expect(bench.counts().get('a')).toBeUndefined()
    expect(bench.counts().approximateNumEntries()).toBe(1)
    expect(bench.state.checkpoints).toEqual(new Map())
    await expect(bench.state.restore('nowhere', new ListedRecords([]))).rejects.toThrow('STORE_NOT_FOUND')
  })

  it.each([counts, windows])("writes nothing when reading $name's changelog fails", async spec => {
    const bench = new Bench()
    await bench.open([counts, windows])
    const before = await bench.rawRows()
    const records = new ListedRecords([record('abcdefghijklmnopq', '2', 7)], 1)
    const next = records.next.bind(records)
    records.next = () => {
      if (next()) return true
      throw new Error('cut short')
    }
    await expect(bench.state.restore(spec.name, records)).rejects.toThrow('cut short')
    expect(await bench.rawRows()).toEqual(before)
    expect(bench.state.checkpoints).toEqual(new Map())
  })

  it('keeps no checkpoint and no bytes of a store that is not persistent', async () => {
    const bench = new Bench()
    const spec = { ...counts, persistent: false }
    await bench.open([spec])
    bench.counts().put('a', 1, 1, NO_HEADERS)
    await bench.commit(new Map([['counts', 4]]))
    expect(bench.counts().get('a')).toEqual({ value: 1, timestampMs: 1 })
    expect(await bench.rawRows()).toEqual([])
    await bench.open([spec])
    expect(bench.counts().get('a')).toBeUndefined()
    expect(bench.state.checkpoints).toEqual(new Map())
  })

  it('clears one store with its checkpoint and leaves the others', async () => {
    const bench = new Bench()
    await bench.open([counts, windows])
    for (let i = 0; i < 3000; i++) bench.counts().put(`k${i}`, 1, 1, NO_HEADERS)
    bench.windows().put('w', 1, 1000, 1, NO_HEADERS)
    await bench.commit(
      new Map([
        ['counts', 5],
        ['windows', 6]
      ])
    )
    await bench.state.clearStore('counts')
    expect(bench.counts().get('k1')).toBeUndefined()
    expect(bench.state.checkpoints).toEqual(new Map([['windows', 6]]))
    await bench.open([counts, windows])
    expect(bench.counts().get('k1')).toBeUndefined()
    expect(bench.state.checkpoints).toEqual(new Map([['windows', 6]]))
    expect(bench.windows().fetchOne('w', 1000)).toBeDefined()
  })
})

it('finds an entry again that was evicted between the read and the write', async () => {
  const bench = new Bench()
  await bench.open([counts, storeSpec('other', 'timestamped-key-value')], { cleanBytes: 0 })
  bench.counts().get('a')
  bench.counts('other').get('b')
  bench.counts().put('a', 1, 1, NO_HEADERS)
  bench.counts().get('z')
  expect(bench.counts().get('a')).toEqual({ value: 1, timestampMs: 1 })
})

it('counts rows, those in memory included', async () => {
  const bench = new Bench()
  await bench.open([counts])
  for (const key of ['a', 'b', 'c']) bench.counts().put(key, 1, 1, NO_HEADERS)
  await bench.commit()
  bench.counts().put('a', 2, 1, NO_HEADERS)
  bench.counts().put('b', null, 1, NO_HEADERS)
  bench.counts().get('d')
  bench.counts().put('d', 1, 1, NO_HEADERS)
  bench.counts().put('e', 1, 1, NO_HEADERS)
  await bench.commit()
  expect(bench.counts().approximateNumEntries()).toBe(4)
  await bench.open([counts])
  expect(bench.counts().approximateNumEntries()).toBe(4)
})

const CONTEXT = { topic: 't', isKey: false }

function entriesOf(bench: Bench, store: string): { readonly size: number } {
  const engine = (bench.state as TaskStores)['byName'].get(store)?.engine as { table: RowTable } | undefined
  if (engine === undefined) throw new Error(`there is no store '${store}'`)
  return engine.table['entries']
}

function fail(): never {
  throw new Error('refused')
}

/** What a process finds that opens the same disk now. */
async function expectOnDisk(bench: Bench, round: number): Promise<void> {
  const other = new Bench()
  const state = await openTaskState({
    taskId: '0_0',
    specs: [counts, windows],
    raw: { ...bench.disk.open(), write: async () => {} },
    changelog: () => undefined,
    changelogTopic: name => name,
    cacheBytes: 0
  })
  other.state = state
  for (const key of ['a', 'b']) expect(other.counts().get(key)?.value).toBe(round === 0 ? undefined : round)
  expect(other.windows().fetchOne('w', round * 1000)?.value).toBe(round === 0 ? undefined : round)
  expect(state.checkpoints.get('counts')).toBe(round === 0 ? undefined : round)
}
