import { expect, it } from 'vitest'
import { NO_HEADERS, type TimestampedWindowStore } from '../core/index.ts'
import { openTaskState } from './open-task-state.ts'
import type { TaskState } from './task-state.ts'
import { MemoryDisk, randomOf, storeSpec } from './test-support/state-fixture.ts'

const BUCKET_MS = 60_000
const SPEC = storeSpec('windows', 'timestamped-window', { retentionMs: 2 * BUCKET_MS })
const MANY_BYTES = 1 << 20

it('looks on disk only for groups that may be there', async () => {
  const disk = new MemoryDisk()
  const first = await open(disk, MANY_BYTES)
  for (let i = 0; i < 20; i++) {
    put(first.state, `k${i}`, i, BUCKET_MS)
    if (i % 5 === 0) await commit(first.state)
  }
  expect(first.reads()).toBe(0)
  await commit(first.state)

  const second = await open(disk, MANY_BYTES)
  expect(get(second.state, 'k3', BUCKET_MS)).toBe(3)
  expect(get(second.state, 'never', BUCKET_MS)).toBeUndefined()
  expect(second.reads()).toBe(2)
  put(second.state, 'later', 1, 2 * BUCKET_MS)
  expect(get(second.state, 'never', 2 * BUCKET_MS)).toBeUndefined()
  expect(second.reads()).toBe(2)
})

it('finds what was evicted, rolled back or left by a process before, whatever memory there is', async () => {
  for (let seed = 1; seed <= 20; seed++) await compare(seed, seed % 2 === 0 ? 2000 : 0)
}, 30_000)

/** Random puts and reads of ever later times, with commits, discards and restarts, against plain maps. */
async function compare(seed: number, cleanBytes: number): Promise<void> {
  const next = randomOf(seed)
  const random = (below: number) => Math.floor(next() * below)
  const disk = new MemoryDisk()
  let { state } = await open(disk, cleanBytes)
  let committed = new Map<string, number>()
  let current = new Map<string, number>()
  let nowMs = 0
  let committedMs = 0
  for (let step = 0; step < 600; step++) {
    const key = `k${random(12)}`
    const atMs = random(2) === 0 ? nowMs + random(BUCKET_MS / 4) : Math.max(0, nowMs - random(2 * BUCKET_MS))
    switch (random(30)) {
      case 0:
      case 20:
      case 21:
        await commit(state)
        committed = new Map(current)
        committedMs = nowMs
        break
      case 1:
        state.discard()
        current = new Map(committed)
        nowMs = committedMs
        break
      case 2: {
        state = (await open(disk, cleanBytes)).state
        current = new Map(committed)
        nowMs = committedMs
        break
      }
      case 3:
      case 4:
      case 5:
      case 6:
      case 7:
      case 8:
      case 9:
      case 10:
        if (atMs <= nowMs - 2 * BUCKET_MS) break
        put(state, key, step, atMs)
        current.set(`${key} ${atMs}`, step)
        nowMs = Math.max(nowMs, atMs)
        break
      default: {
        const known = [...current.keys()]
        const which = known[random(Math.max(1, known.length))] ?? `${key} ${atMs}`
        const [knownKey, time] = which.split(' ') as [string, string]
        const isLive = Number(time) > nowMs - 2 * BUCKET_MS
        const expected = isLive ? current.get(which) : undefined
        expect({ seed, step, value: get(state, knownKey, Number(time)) }).toEqual({ seed, step, value: expected })
      }
    }
  }
  expect(nowMs).toBeGreaterThan(3 * BUCKET_MS)
}

async function open(disk: MemoryDisk, cleanBytes: number): Promise<{ state: TaskState; reads: () => number }> {
  const raw = disk.open()
  const getSync = raw.getSync.bind(raw)
  let reads = 0
  raw.getSync = key => {
    reads++
    return getSync(key)
  }
  const state = await openTaskState({
    taskId: '0_0',
    specs: [SPEC],
    raw,
    changelog: () => undefined,
    changelogTopic: name => name,
    cacheBytes: 0,
    cleanBytes
  })
  return { state, reads: () => reads }
}

async function commit(state: TaskState): Promise<void> {
  state.seal()
  await state.writeSealed(new Map())
}

function windows(state: TaskState): TimestampedWindowStore<string, unknown> {
  return state.stores.get('windows') as TimestampedWindowStore<string, unknown>
}

function put(state: TaskState, key: string, value: number, atMs: number): void {
  windows(state).put(key, value, atMs, atMs, NO_HEADERS)
}

function get(state: TaskState, key: string, atMs: number): unknown {
  return windows(state).fetchOne(key, atMs)?.value
}
