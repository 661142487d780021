import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LevelStoreProvider } from '@millrace/store-level'
import { json, StreamsBuilder, string, type Topology, tumbling } from '@millrace/streams'
import { afterEach, describe, expect, test } from 'vitest'
import { type RestartOptions, type TestDriverOptions, TopologyTestDriver } from './topology-test-driver.ts'

const SERDES = { key: string(), value: json<any>() }

const dirs: string[] = []
afterEach(async () => {
  for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true })
})

async function levelStores(): Promise<LevelStoreProvider> {
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-test-'))
  dirs.push(stateDir)
  return new LevelStoreProvider({ stateDir, applicationId: 'test' })
}

function counting(): Topology {
  const builder = new StreamsBuilder()
  const counts = builder.stream('in', SERDES).groupByKey().count({ store: 'counts' })
  counts.toStream().to('out', SERDES)
  return builder.build()
}

const WAYS: [string, () => Promise<TestDriverOptions>, RestartOptions][] = [
  ['in memory, kept', async () => ({}), { disk: 'kept' }],
  ['in memory, lost', async () => ({}), { disk: 'lost' }],
  ['on LevelDB, kept', async () => ({ stores: await levelStores() }), { disk: 'kept' }],
  ['on LevelDB, lost', async () => ({ stores: await levelStores() }), { disk: 'lost' }]
]

describe.each(WAYS)('a restart with stores %s', (_way, options, restart) => {
  test('goes on from state, offsets and output topics', async () => {
    await using driver = await TopologyTestDriver.open(counting(), await options())
    const input = driver.inputTopic('in', SERDES)
    const output = driver.outputTopic('out', SERDES)
    input.pipe('a', 0, 1)
    input.pipe('a', 0, 2)
    expect(output.readKeyValues()).toEqual([
      ['a', 1],
      ['a', 2]
    ])
    await driver.restart({ ...restart, topology: counting() })
    expect(output.size).toBe(0)
    input.pipe('a', 0, 3)
    expect(output.readKeyValues()).toEqual([['a', 3]])
  })

  test('keeps the stream time of operators and of the task', async () => {
    const builder = new StreamsBuilder()
    const stream = builder.stream('in', SERDES)
    stream.groupByKey().windowedBy(tumbling(10)).count({ store: 'counts' }).toStream().to('windows')
    stream
      .process<string | null, number>(() => {
        let forwardTime = () => {}
        return {
          init: context => {
            const record = { key: null, timestampMs: 0, headers: [] }
            forwardTime = () => context.forward({ ...record, value: context.streamTimeMs() })
          },
          process: () => forwardTime()
        }
      })
      .to('times', SERDES)
    await using driver = await TopologyTestDriver.open(builder.build(), await options())
    const input = driver.inputTopic('in', SERDES)
    const windows = driver.outputTopic('windows', { key: json(), value: json() })
    const times = driver.outputTopic('times', SERDES)
    input.pipe('a', 0, 25)
    await driver.restart(restart)
    input.pipe('a', 0, 3)
    expect(windows.size).toBe(1)
    expect(times.readRecords().map(({ value }) => value)).toEqual([25, 25])
  })

  test('lets wall-clock punctuations keep the phase of the first start', async () => {
    const builder = new StreamsBuilder()
    builder
      .stream('in', SERDES)
      .process<string | null, number>(() => ({
        init: context =>
          void context.schedule(100, 'wall-clock', timestampMs =>
            context.forward({ key: 'tick', value: timestampMs, timestampMs, headers: [] })
          ),
        process: () => {}
      }))
      .to('out', SERDES)
    await using driver = await TopologyTestDriver.open(builder.build(), { ...(await options()), startWallClockMs: 7 })
    driver.advanceWallClock(60)
    await driver.restart(restart)
    driver.advanceWallClock(39)
    const output = driver.outputTopic('out', SERDES)
    expect(output.size).toBe(0)
    driver.advanceWallClock(1)
    expect(output.readKeyValues()).toEqual([['tick', 107]])
  })
})

test('a restart reads global tables anew', async () => {
  const builder = new StreamsBuilder()
  const names = builder.globalTable('names', { ...SERDES, store: 'names' })
  builder
    .stream('in', SERDES)
    .join(
      names,
      key => key,
      (_value, name) => name
    )
    .to('out', SERDES)
  await using driver = await TopologyTestDriver.open(builder.build())
  driver.inputTopic('names', SERDES).pipe('a', 'Ada', 1)
  await driver.restart()
  driver.inputTopic('in', SERDES).pipe('a', 0, 2)
  expect(driver.outputTopic('out', SERDES).readKeyValues()).toEqual([['a', 'Ada']])
})

test('a restart reads the topics that a pattern found before', async () => {
  const builder = new StreamsBuilder()
  const stream = builder.stream(/in-.*/, SERDES)
  stream.groupByKey().count({ store: 'counts' }).toStream().to('out', SERDES)
  await using driver = await TopologyTestDriver.open(builder.build())
  driver.inputTopic('in-2', SERDES).pipe('a', 0, 1)
  driver.inputTopic('in-1', SERDES).pipe('a', 0, 1)
  await driver.restart({ disk: 'lost' })
  driver.inputTopic('in-1', SERDES).pipe('a', 0, 1)
  expect(driver.outputTopic('out', SERDES).readKeyValues()).toEqual([
    ['a', 1],
    ['a', 2],
    ['a', 3]
  ])
})

test('after an error a restart commits nothing, and processes again what was not committed', async () => {
  let broken = true
  const seen: unknown[] = []
  const builder = new StreamsBuilder()
  builder.stream('in', SERDES).foreach((_key, value) => {
    if (broken && value === 'bad') throw new Error('no')
    seen.push(value)
  })
  await using driver = await TopologyTestDriver.open(builder.build())
  const input = driver.inputTopic('in', SERDES)
  input.pipe('a', 'first', 1)
  await driver.commit()
  input.pipe('a', 'second', 2)
  expect(() => input.pipe('a', 'bad', 3)).toThrow(/no/)
  broken = false
  await driver.restart()
  expect(seen).toEqual(['first', 'second', 'second', 'bad'])
})

test('a restart that cannot be made leaves a driver that can be closed', async () => {
  const other = new StreamsBuilder()
  other.stream('in', SERDES).process(() => {
    throw new Error('no such processor')
  })
  const driver = await TopologyTestDriver.open(counting())
  await expect(driver.restart({ topology: other.build() })).rejects.toThrow('no such processor')
  await driver.close()
})

test('outputs are what the topology wrote, not what was sent to the same topic', async () => {
  const builder = new StreamsBuilder()
  const stream = builder.stream('numbers', SERDES)
  stream
    .filter((_key, value) => value > 1)
    .mapValues(value => value - 1)
    .to('numbers', SERDES)
  await using driver = await TopologyTestDriver.open(builder.build())
  driver.inputTopic('numbers', SERDES).pipe('a', 3, 1)
  expect(driver.outputTopic('numbers', SERDES).readKeyValues()).toEqual([
    ['a', 2],
    ['a', 1]
  ])
})

test('a commit deletes windows that have expired from the stores', async () => {
  const rows: number[] = []
  for (const times of [[1_000_000], [1, 1_000_000]]) {
    const builder = new StreamsBuilder()
    builder.stream('in', SERDES).groupByKey().windowedBy(tumbling(10)).count({ store: 'counts' })
    const stateDir = await mkdtemp(join(tmpdir(), 'millrace-test-'))
    dirs.push(stateDir)
    const driver = await TopologyTestDriver.open(builder.build(), {
      stores: new LevelStoreProvider({ stateDir, applicationId: 'test' })
    })
    for (const timestampMs of times) {
      driver.inputTopic('in', SERDES).pipe('a', 0, timestampMs)
      await driver.commit()
    }
    await driver.close()
    const { store } = await new LevelStoreProvider({ stateDir, applicationId: 'test' }).open('0_0')
    let count = 0
    for await (const _row of store.iterate({})) count++
    await store.close()
    rows.push(count)
  }
  expect(rows[1]).toBe(rows[0])
})

test('names the stores there are when asked for another', async () => {
  await using driver = await TopologyTestDriver.open(counting())
  expect(() => driver.store('sums')).toThrow(/There is no store 'sums'. The topology has 'counts'/)
})
