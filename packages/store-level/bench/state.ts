/**
 * Records a second of a count: get, then put of one more, over 100 k keys. Run by
 * `node --conditions=millrace-source packages/store-level/bench/state.ts [filter]`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LevelStoreProvider } from '../src/index.ts'
import {
  NO_HEADERS,
  type Serde,
  type TimestampedKeyValueStore,
  type TimestampedWindowStore
} from '@millrace/streams/core'
import { openTaskState, type TaskState } from '@millrace/streams/state'
import type { StoreKind, StoreSpec } from '@millrace/streams/topology'

const KEY_COUNT = 100_000
const MEBIBYTE = 1024 * 1024
const keys = Array.from({ length: KEY_COUNT }, (_, i) => `user-${(i * 7919) % KEY_COUNT}`)

const text: Serde<string> = {
  name: 'string',
  serialize: value => Buffer.from(value),
  deserialize: bytes => Buffer.from(bytes).toString(),
  deserializeRange: (buffer, start, end) => buffer.toString('utf8', start, end)
}

const json: Serde<unknown> = {
  name: 'json',
  serialize: value => Buffer.from(JSON.stringify(value)),
  deserialize: bytes => JSON.parse(Buffer.from(bytes).toString()),
  deserializeRange: (buffer, start, end) => JSON.parse(buffer.toString('utf8', start, end))
}

interface Case {
  readonly name: string
  readonly kind: StoreKind
  readonly cacheBytes: number
  readonly cleanBytes: number
  /** Objects cannot be kept decoded. */
  readonly objects: boolean
  /** How often every key is counted in a row before the commit. */
  readonly rounds: number
}

const count: Case = {
  name: '',
  kind: 'timestamped-key-value',
  cacheBytes: 0,
  cleanBytes: 64 * MEBIBYTE,
  objects: false,
  rounds: 5
}
const cases: Case[] = [
  { ...count, name: 'memtable' },
  { ...count, name: 'memtable, objects', objects: true },
  { ...count, name: 'clean entries', rounds: 1 },
  { ...count, name: 'clean entries, objects', rounds: 1, objects: true },
  { ...count, name: 'getSync', rounds: 1, cleanBytes: 0 },
  { ...count, name: 'record cache', cacheBytes: 64 * MEBIBYTE },
  { ...count, name: 'record cache, 1 MiB', cacheBytes: MEBIBYTE },
  { ...count, name: 'windows, memtable', kind: 'timestamped-window' }
]

for (const each of cases) if (each.name.includes(process.argv[2] ?? '')) await run(each)

async function run(options: Case): Promise<void> {
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  const provider = new LevelStoreProvider({ stateDir, applicationId: 'bench' })
  const { store: raw } = await provider.open('0_0')
  let appended = 0
  const state = await openTaskState({
    taskId: '0_0',
    specs: [specOf(options)],
    raw,
    changelog: () => (key, value) => {
      appended += key.length + (value?.length ?? 0)
    },
    changelogTopic: name => name,
    cacheBytes: options.cacheBytes,
    cleanBytes: options.cleanBytes
  })
  const countRound = options.kind === 'timestamped-window' ? windowRound(state) : keyRound(state, options.objects)
  countRound()
  await commit(state)

  let processMs = 0
  let commitMs = 0
  const repeats = 4
  for (let repeat = 0; repeat < repeats; repeat++) {
    const started = performance.now()
    for (let round = 0; round < options.rounds; round++) countRound()
    state.flushCaches()
    const processed = performance.now()
    await commit(state)
    processMs += processed - started
    commitMs += performance.now() - processed
  }
  const records = repeats * options.rounds * KEY_COUNT
  const perCommit = (commitMs * 1000) / (repeats * KEY_COUNT)
  console.log(
    `${options.name.padEnd(24)} ${((processMs * 1000) / records).toFixed(2)} µs a record, commit ${perCommit.toFixed(2)} µs a row`
  )
  await state.close()
  await provider.close()
  await rm(stateDir, { recursive: true })
  if (appended === 0) throw new Error('nothing reached the changelog')
}

async function commit(state: TaskState): Promise<void> {
  state.flushCaches()
  state.seal()
  await state.writeSealed(new Map())
}

function keyRound(state: TaskState, objects: boolean): () => void {
  const store = state.stores.get('counts') as TimestampedKeyValueStore<string, number | { n: number }>
  store.onFlush(() => {}, true)
  return () => {
    for (const key of keys) {
      const before = store.get(key)?.value ?? 0
      const n = (typeof before === 'number' ? before : before.n) + 1
      store.put(key, objects ? { n } : n, n, NO_HEADERS)
    }
  }
}

function windowRound(state: TaskState): () => void {
  const store = state.stores.get('counts') as TimestampedWindowStore<string, number>
  return () => {
    for (const key of keys) store.put(key, (store.fetchOne(key, 60_000)?.value ?? 0) + 1, 60_000, 60_000, NO_HEADERS)
  }
}

function specOf(options: Case): StoreSpec {
  return {
    name: 'counts',
    kind: options.kind,
    key: text,
    value: json,
    persistent: true,
    caching: true,
    changelog: { sourceTopic: undefined, topicConfig: {} },
    windowSizeMs: 60_000,
    retentionMs: 600_000
  }
}
