import {
  bytes,
  json,
  keyValueStore,
  orderedKeyValueStore,
  sessionStore,
  type StoreSpec,
  StreamsBuilder,
  session,
  string,
  timestampedKeyValueStore,
  timestampedWindowStore,
  tumbling,
  versionedKeyValueStore,
  windowStore
} from '@millrace/streams'
import { expect, test } from 'vitest'
import { TopologyTestDriver } from './topology-test-driver.ts'

const TEXT = { key: string(), value: string() }

/** A store that a processor fills: the value of each record is what `put` gets. */
async function filled(spec: StoreSpec, puts: readonly (readonly unknown[])[]): Promise<TopologyTestDriver> {
  const builder = new StreamsBuilder()
  builder.addStateStore(spec)
  builder.stream('in', { key: string(), value: json<number>() }).process(
    () => {
      let store: { put(...args: unknown[]): unknown }
      return {
        init: context => {
          store = context.getStateStore(spec.name)
        },
        process: ({ value }) => {
          store.put(...(puts[value] as unknown[]))
        }
      }
    },
    { stores: [spec.name] }
  )
  const driver = await TopologyTestDriver.open(builder.build())
  const input = driver.inputTopic('in', { key: string(), value: json<number>() })
  for (const index of puts.keys()) input.pipe(`k:${index}@0`)
  return driver
}

const HEADERS: never[] = []

test.each([
  [
    keyValueStore('s', { ...TEXT }),
    [
      ['b', '2'],
      ['a', '1'],
      ['c', '3'],
      ['c', null]
    ],
    { a: '1', b: '2' }
  ],
  [
    orderedKeyValueStore('s', { ...TEXT }),
    [
      ['b', '2'],
      ['a', '1']
    ],
    { a: '1', b: '2' }
  ],
  [
    timestampedKeyValueStore('s', TEXT),
    [
      ['b', '2', 5, HEADERS],
      ['a', '1', 7, HEADERS]
    ],
    { a: '1', b: '2' }
  ],
  [
    windowStore('s', { ...TEXT, windowSize: '5s', retention: '1m' }),
    [
      ['b', '2', 0],
      ['a', '1', 5000],
      ['a', '0', 0]
    ],
    { 'a[0,5s)': '0', 'a[5s,10s)': '1', 'b[0,5s)': '2' }
  ],
  [
    windowStore('s', { ...TEXT, windowSize: '5s', retention: '1m', retainDuplicates: true }),
    [
      ['a', '1', 0],
      ['a', '2', 0],
      ['b', '3', 0]
    ],
    { 'a[0,5s)': ['1', '2'], 'b[0,5s)': ['3'] }
  ],
  [
    timestampedWindowStore('s', { ...TEXT, windowSize: '5s', retention: '1m' }),
    [['a', '1', 0, 3, HEADERS]],
    { 'a[0,5s)': '1' }
  ],
  [
    sessionStore('s', { ...TEXT, retention: '1m' }),
    [
      ['a', '1', 0, 5000],
      ['a', '2', 9000, 9000]
    ],
    { 'a[0,5s]': '1', 'a[9s,9s]': '2' }
  ],
  [
    versionedKeyValueStore('s', { ...TEXT, historyRetention: '1m' }),
    [
      ['a', '1', 0],
      ['a', '2', 5000]
    ],
    { a: '2' }
  ],
  [
    keyValueStore('s', { key: json<unknown>(), value: bytes() }),
    [[{ id: 1 }, Buffer.from([1, 255])]],
    { '{"id":1}': '0x01ff' }
  ]
] as [StoreSpec, unknown[][], object][])('a store holds %#', async (spec, puts, expected) => {
  await using driver = await filled(spec, puts)
  const snapshot = await driver.snapshot()
  expect(snapshot).toEqual({ s: expected })
  expect(Object.keys(snapshot['s'] ?? {})).toEqual(Object.keys(expected))
})

test('with timestamps, values and versions tell of when they are', async () => {
  const row = timestampedKeyValueStore('s', TEXT)
  await using rows = await filled(row, [['a', '1', 7, HEADERS]])
  expect(await rows.snapshot({ timestamps: true })).toEqual({ s: { a: { value: '1', timestampMs: 7 } } })

  const versioned = versionedKeyValueStore('s', { ...TEXT, historyRetention: '1m' })
  await using versions = await filled(versioned, [
    ['a', '1', 0],
    ['a', '2', 5000]
  ])
  expect(await versions.snapshot({ timestamps: true })).toEqual({
    s: {
      a: [
        { value: '1', timestampMs: 0, validToMs: 5000 },
        { value: '2', timestampMs: 5000 }
      ]
    }
  })
})

test('all stores are there, global and generated ones too, in order of their names; or those that are named', async () => {
  const builder = new StreamsBuilder()
  builder.globalTable('names', { ...TEXT, store: 'names' })
  const grouped = builder.stream('in', TEXT).groupByKey()
  grouped.windowedBy(tumbling('5m')).count({ store: 'windows', retention: '1h' })
  grouped.windowedBy(session('1m')).count({ store: 'sessions', retention: '1h' })
  grouped.count()
  await using driver = await TopologyTestDriver.open(builder.build())
  driver.inputTopic('names', TEXT).pipe('a:Anna@0')
  driver.inputTopic('in', TEXT).pipe('a:x@0 b:x@4m a:x@6m')
  const snapshot = await driver.snapshot()
  expect(Object.keys(snapshot)).toEqual([
    expect.stringMatching(/^KSTREAM-AGGREGATE-STATE-STORE-\d+$/),
    'names',
    'sessions',
    'windows'
  ])
  expect(Object.values(snapshot)).toEqual([
    { a: 2, b: 1 },
    { a: 'Anna' },
    { 'a[0,0]': 1, 'a[6m,6m]': 1, 'b[4m,4m]': 1 },
    { 'a[0,5m)': 1, 'a[5m,10m)': 1, 'b[0,5m)': 1 }
  ])
  expect(Object.keys(await driver.snapshot({ stores: ['windows', 'names'] }))).toEqual(['names', 'windows'])
  await expect(driver.snapshot({ stores: ['nothing'] })).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' })
})
