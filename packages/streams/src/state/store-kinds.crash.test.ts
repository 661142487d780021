import { expect, it } from 'vitest'
import type { OrderedKeyValueStore, SessionStore, VersionedKeyValueStore, WindowStore } from '../core/index.ts'
import { openTaskState } from './open-task-state.ts'
import type { TaskState } from './task-state.ts'
import { MemoryDisk, storeSpec } from './test-support/state-fixture.ts'

const SPECS = [
  storeSpec('sessions', 'session'),
  storeSpec('windows', 'window', { retainDuplicates: true }),
  storeSpec('ordered', 'ordered-key-value'),
  storeSpec('versions', 'versioned-key-value')
]

it('leaves a whole commit of every kind on disk, or nothing of it, whichever write fails', async () => {
  for (let failing = 2; failing <= 4; failing++) {
    const disk = new MemoryDisk()
    disk.failWrite = failing
    const state = await open(disk, false)
    let committed = 0
    let failures = 0
    for (let round = 1; round <= 3; round++) {
      put(state, round)
      state.seal()
      const offsets = new Map([['ordered', round]])
      try {
        await state.writeSealed(offsets)
      } catch {
        failures++
        expect(contents(state, round)).toEqual(expected(round))
        expect(contents(await open(disk, true), round)).toEqual(expected(committed))
        await state.writeSealed(offsets)
      }
      committed = round
      const reopened = await open(disk, true)
      expect(contents(reopened, round)).toEqual(expected(round))
      expect(reopened.checkpoints.get('ordered')).toBe(round)
    }
    expect(failures).toBe(1)
  }
})

function put(state: TaskState, round: number): void {
  sessions(state).put('k', round, round, 10 * round)
  windows(state).put('k', round, 1000)
  // Enough for pages below a root.
  for (let i = 0; i < 300; i++) ordered(state).put(`${round} ${i}`, round)
  versions(state).put('k', round, round)
}

function contents(state: TaskState, round: number): unknown {
  let entries = 0
  for (const cursor = ordered(state).cursor(); cursor.next(); ) entries++
  return {
    sessions: sessions(state).findSessions('k', 0, 1000).length,
    windows: windows(state)
      .fetchRange('k', 0, 2000)
      .map(row => row.value),
    entries,
    latest: versions(state).get('k')?.value,
    first: versions(state).getAsOf('k', Math.min(round, 1))?.value
  }
}

function expected(rounds: number): unknown {
  return {
    sessions: rounds,
    windows: Array.from({ length: rounds }, (_, i) => i + 1),
    entries: 300 * rounds,
    latest: rounds === 0 ? undefined : rounds,
    first: rounds === 0 ? undefined : 1
  }
}

async function open(disk: MemoryDisk, readOnly: boolean): Promise<TaskState> {
  const raw = disk.open()
  return openTaskState({
    taskId: '0_0',
    specs: SPECS,
    raw: readOnly ? { ...raw, write: async () => {} } : raw,
    changelog: () => undefined,
    changelogTopic: name => name,
    cacheBytes: 0
  })
}

const sessions = (state: TaskState) => state.stores.get('sessions') as unknown as SessionStore<string, unknown>
const windows = (state: TaskState) => state.stores.get('windows') as unknown as WindowStore<string, unknown>
const ordered = (state: TaskState) => state.stores.get('ordered') as unknown as OrderedKeyValueStore<string, unknown>
const versions = (state: TaskState) =>
  state.stores.get('versions') as unknown as VersionedKeyValueStore<string, unknown>
