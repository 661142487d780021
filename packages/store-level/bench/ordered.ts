/**
 * What reads in order cost on LevelDB, with ten times as many keys and ten times as many records of one key. Run by
 * `node --conditions=millrace-source packages/store-level/bench/ordered.ts [filter]`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LevelStoreProvider } from '../src/index.ts'
import {
  bytes,
  json,
  type OrderedKeyValueStore,
  type SessionStore,
  string,
  type WindowStore
} from '@millrace/streams/core'
import { openTaskState, type TaskState } from '@millrace/streams/state'
import type { StoreKind, StoreSpec } from '@millrace/streams/topology'

const RECORDS = 60_000
const COMMIT_RECORDS = 10_000
const ANY = process.argv[2] ?? ''

await run('session find and merge, 2 k keys', 'session', state => sessions(state, 2000))
await run('session find and merge, 20 k keys', 'session', state => sessions(state, 20_000))
await run('join, 1 match, 2 k keys', 'window', state => join_(state, 2000, 2000))
await run('join, 1 match, 20 k keys', 'window', state => join_(state, 20_000, 20_000))
await run('join, 10 matches, 2 k keys', 'window', state => join_(state, 2000, 20_000))
await run('join, 100 matches, 200 keys', 'window', state => join_(state, 200, 20_000))
await run('ordered, queue of 2 k', 'ordered-key-value', state => queue(state, 2000))
await run('ordered, queue of 20 k', 'ordered-key-value', state => queue(state, 20_000))
await run('ordered, prefix of 10 in 20 k', 'ordered-key-value', state => prefix(state, 2000))

type Step = (i: number) => number

/** Each record extends the session of its key: find, remove, put. */
function sessions(state: TaskState, keyCount: number): Step {
  const store = state.stores.get('store') as unknown as SessionStore<string, number>
  return i => {
    const [key, atMs] = [`user-${i % keyCount}`, 1_000_000 + i]
    let [n, startMs] = [1, atMs]
    for (const session of store.findSessions(key, atMs - 30_000, atMs + 30_000)) {
      n += session.value
      startMs = Math.min(startMs, session.startMs)
      store.remove(key, session.startMs, session.endMs)
    }
    store.put(key, n, startMs, atMs)
    return 1
  }
}

/** Each record is put and matched with those of its key in the last `windowMs`, a record coming each millisecond. */
function join_(state: TaskState, keyCount: number, windowMs: number): Step {
  const store = state.stores.get('store') as unknown as WindowStore<string, number>
  return i => {
    const [key, atMs] = [`user-${i % keyCount}`, 1_000_000 + i]
    const { length } = store.fetchRange(key, atMs - windowMs, atMs)
    store.put(key, i, atMs)
    return length
  }
}

/** A buffer of constant length: one in, the first out. */
function queue(state: TaskState, length: number): Step {
  const store = state.stores.get('store') as unknown as OrderedKeyValueStore<Uint8Array, number>
  return i => {
    store.put(keyOf(Math.floor(i / 3), i), i)
    const first = i < length ? undefined : store.first()
    if (first !== undefined) store.put(first.key, null)
    return 1
  }
}

/** Ten entries a prefix, put in random order; each record reads those of one. */
function prefix(state: TaskState, prefixCount: number): Step {
  const store = state.stores.get('store') as unknown as OrderedKeyValueStore<Uint8Array, number>
  return i => {
    const which = (i * 7919) % prefixCount
    store.put(keyOf(which, Math.floor(i / prefixCount) % 10), i)
    let found = 0
    for (const cursor = store.prefixCursor(keyOf(which)); cursor.next(); ) found += cursor.value >= 0 ? 1 : 0
    return found
  }
}

function keyOf(...numbers: number[]): Buffer {
  const key = Buffer.allocUnsafe(4 * numbers.length)
  for (let i = 0; i < numbers.length; i++) key.writeUInt32BE(numbers[i] as number, 4 * i)
  return key
}

async function run(name: string, kind: StoreKind, stepOf: (state: TaskState) => Step): Promise<void> {
  if (!name.includes(ANY)) return
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  const provider = new LevelStoreProvider({ stateDir, applicationId: 'bench' })
  const { store: raw } = await provider.open('0_0')
  const state = await openTaskState({
    taskId: '0_0',
    specs: [specOf(kind)],
    raw,
    changelog: () => () => {},
    changelogTopic: topic => topic,
    cacheBytes: 0
  })
  const step = stepOf(state)
  let [processMs, commitMs, results] = [0, 0, 0]
  for (let i = 0; i < 2 * RECORDS; ) {
    const started = performance.now()
    const isMeasured = i >= RECORDS
    for (const end = i + COMMIT_RECORDS; i < end; i++) {
      const found = step(i)
      if (isMeasured) results += found
    }
    const processed = performance.now()
    state.seal()
    await state.writeSealed(new Map())
    if (!isMeasured) continue
    processMs += processed - started
    commitMs += performance.now() - processed
  }
  const micros = (ms: number, count: number) => ((ms * 1000) / count).toFixed(2).padStart(6)
  console.log(
    `${name.padEnd(36)} ${micros(processMs, RECORDS)} µs a record, commit ${micros(commitMs, RECORDS)}; ` +
      `${micros(processMs + commitMs, results)} µs a result of ${results}`
  )
  await state.close()
  await provider.close()
  await rm(stateDir, { recursive: true })
}

function specOf(kind: StoreKind): StoreSpec {
  return {
    name: 'store',
    kind,
    key: kind === 'ordered-key-value' ? bytes() : string(),
    value: json<number>(),
    persistent: true,
    caching: false,
    changelog: { sourceTopic: undefined, topicConfig: {} },
    windowSizeMs: 60_000,
    retentionMs: 120_000,
    retainDuplicates: true
  }
}
