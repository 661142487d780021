import { describe, expect, test } from 'vitest'
import {
  type ReadOnlyKeyValueStore,
  type ReadOnlySessionStore,
  type ReadOnlyVersionedKeyValueStore,
  type ReadOnlyWindowStore,
  string
} from '../core/index.ts'
import { MemoryRawStore, openTaskState } from '../state/index.ts'
import {
  keyValueStore,
  sessionStore,
  type StoreSpec,
  TopologyBuilder,
  versionedKeyValueStore,
  windowStore
} from '../topology/index.ts'
import { LocalStores } from './local-stores.ts'

const SERDES = { key: string(), value: string() }
const SPECS: readonly StoreSpec[] = [
  keyValueStore('plain', SERDES),
  windowStore('windows', { ...SERDES, windowSize: 10, retention: 100 }),
  sessionStore('sessions', { ...SERDES, retention: 100 }),
  versionedKeyValueStore('versions', { ...SERDES, historyRetention: 100 })
]

/** The stores of two tasks: 'a' is in the first, 'b' in the second. */
async function twoTasks(running = true) {
  const builder = new TopologyBuilder()
    .addSource('in', { topics: 'in', ...SERDES })
    .addProcessor('p', () => ({ process() {} }), ['in'])
  for (const spec of SPECS) builder.addStateStore(spec, ['p'])
  const tasks = new Map<string, any>()
  for (const [index, key] of ['a', 'b'].entries()) {
    const state = await openTaskState({
      taskId: `0_${index}`,
      specs: SPECS,
      raw: new MemoryRawStore(),
      changelog: () => undefined,
      changelogTopic: name => name,
      cacheBytes: 0
    })
    const store = (name: string): any => state.stores.get(name)
    store('plain').put(key, `plain ${key}`)
    store('windows').put(key, `window ${key}`, 10)
    store('sessions').put(key, `session ${key}`, 10, 20)
    store('versions').put(key, `old ${key}`, 10)
    store('versions').put(key, `new ${key}`, 20)
    tasks.set(`0_${index}`, { state })
  }
  const local = { tasks, restoringTasks: [], globalStores: new Map(), running }
  return new LocalStores(builder.build(), local)
}

async function listed<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const row of rows) found.push(row)
  return found
}

describe('a store is read over all tasks of the process', () => {
  test('by key', async () => {
    const store = (await twoTasks()).open('plain') as ReadOnlyKeyValueStore<string, string>
    expect(['a', 'b', 'c'].map(key => store.get(key))).toEqual(['plain a', 'plain b', undefined])
    expect(await listed(store.all())).toHaveLength(2)
  })

  test('by window', async () => {
    const store = (await twoTasks()).open('windows') as ReadOnlyWindowStore<string, string>
    expect([store.fetchOne('b', 10), store.fetchOne('b', 11)]).toEqual(['window b', undefined])
    expect(await listed(store.fetch('a', 0, 100))).toEqual([{ windowStartMs: 10, value: 'window a' }])
  })

  test('by session', async () => {
    const store = (await twoTasks()).open('sessions') as ReadOnlySessionStore<string, string>
    expect([store.fetchSession('b', 10, 20), store.fetchSession('b', 10, 21)]).toEqual(['session b', undefined])
    expect(await listed(store.fetch('a'))).toEqual([{ startMs: 10, endMs: 20, value: 'session a' }])
    expect(await listed(store.all())).toHaveLength(2)
  })

  test('by version', async () => {
    const store = (await twoTasks()).open('versions') as ReadOnlyVersionedKeyValueStore<string, string>
    expect([store.get('b')?.value, store.getAsOf('b', 15)?.value, store.get('c')]).toEqual([
      'new b',
      'old b',
      undefined
    ])
    expect(store.versions('a', 0, 100).map(({ value }) => value)).toEqual(['old a', 'new a'])
    expect(store.versions('c', 0, 100)).toEqual([])
    expect(await listed(store.all())).toHaveLength(2)
  })
})

test('refuses a name that there is not, and reading while the application does not run', async () => {
  expect(() =>
    new LocalStores(new TopologyBuilder().addSource('in', { topics: 'in', ...SERDES }).build(), {
      tasks: new Map(),
      restoringTasks: [],
      globalStores: new Map(),
      running: true
    }).open('nowhere')
  ).toThrow(/There is no store 'nowhere'/)
  const store = (await twoTasks(false)).open('sessions') as ReadOnlySessionStore<string, string>
  expect(() => store.fetchSession('a', 10, 20)).toThrow(/STORE_NOT_READY/)
})
