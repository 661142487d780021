import { TopologyTestDriver } from '@millrace/testing'
import { expect, test } from 'vitest'
import { sliding, tumbling } from '../../core/index.ts'
import { StreamsBuilder } from '../streams-builder.ts'
import { type Suppressed, untilTimeLimit, untilWindowCloses } from '../suppressed.ts'
import { pipe, read, run, TEXT } from '../test-support/run-topology.ts'
import { windowText } from '../test-support/windowed-lists.ts'

const table =
  (suppressed: Exclude<Suppressed, { kind: 'window-closes' }>) =>
  (builder: StreamsBuilder): void =>
    builder.table('in', TEXT).suppress(suppressed).toStream().to('out')

const windows =
  (suppressed: Suppressed) =>
  (builder: StreamsBuilder): void =>
    builder
      .stream('in', TEXT)
      .groupByKey()
      .windowedBy(tumbling(10, { grace: 5 }))
      .reduce((a, b) => (a + b === 0 ? null : a + b))
      .suppress(suppressed)
      .toStream(windowText)
      .to('out', TEXT)

test('emits the last update of a key when the time since the first has passed', async () => {
  expect(await run(table(untilTimeLimit(10)), ['a=1@0', 'a=2@5', 'b=1@9', 'a=3@9', 'c=1@10', 'd=1@19'])).toEqual([
    'a=3@9',
    'b=1@9'
  ])
})

test('emits every update at once when there is no time to wait', async () => {
  expect(await run(table(untilTimeLimit(0)), ['a=1@0', 'a=2@0', 'a=@1'])).toEqual(['a=1@0', 'a=2@0', 'a=@1'])
})

test('an out-of-order update is held by its own time, so it may be due at once', async () => {
  expect(await run(table(untilTimeLimit(10)), ['a=1@50', 'b=1@40', 'c=1@41'])).toEqual(['b=1@40'])
})

test('beyond the limits emits the oldest early', async () => {
  const records = ['b=1@1', 'a=1@1', 'c=1@2', 'a=2@3', 'd=1@4']
  expect(await run(table(untilTimeLimit(100, { maxRecords: 2 })), records)).toEqual(['a=1@1', 'b=1@1', 'c=1@2'])
  expect(await run(table(untilTimeLimit(100, { maxRecords: 0 })), records.slice(0, 2))).toEqual(['b=1@1', 'a=1@1'])
  expect(await run(table(untilTimeLimit(100, { maxBytes: 0 })), records.slice(0, 2))).toEqual(['b=1@1', 'a=1@1'])
  expect(await run(table(untilTimeLimit(100, { maxBytes: 80 })), ['a=1@1', 'a=2@1', 'a=3@1'])).toEqual([])
  expect(await run(table(untilTimeLimit(100, { maxBytes: 80 })), ['a=1@1', 'b=1@2', 'c=1@3'])).not.toEqual([])
})

test('or stops', async () => {
  const full = table(untilTimeLimit(100, { maxRecords: 1, whenFull: 'shutDown' }))
  await expect(run(full, ['a=1@1', 'a=2@1', 'b=1@2'])).rejects.toThrow(/holds 2 keys, of at most 1/)
})

test('emits a window once, when it is closed, in order of end and key', async () => {
  const records = ['b=1@1', 'a=1@1', 'a=2@12', 'a=4@2', 'c=1@15', 'a=1@3']
  expect(await run(windows(untilWindowCloses()), records)).toEqual(['a:0-10=5@2', 'b:0-10=1@1'])
})

test('holds after a restart what it held before, and counts it', async () => {
  const builder = new StreamsBuilder()
  table(untilTimeLimit(100, { maxRecords: 2 }))(builder)
  await using driver = await TopologyTestDriver.open(builder.build())
  for (const record of ['b=1@2', 'a=1@1', 'b=2@3']) pipe(driver, record)
  expect(read(driver)).toEqual([])

  await driver.restart()
  pipe(driver, 'c=1@4')
  expect(read(driver)).toEqual(['a=1@1'])
  pipe(driver, 'd=1@5')
  expect(read(driver)).toEqual(['a=1@1', 'b=2@3'])
})

test('swallows deletions of windows', async () => {
  expect(await run(windows(untilWindowCloses()), ['a=1@1', 'a=-1@2', 'a=1@30'])).toEqual([])
})

test('a bounded buffer of windows stops when it is full', async () => {
  await expect(run(windows(untilWindowCloses({ maxRecords: 1 })), ['a=1@1', 'b=1@1'])).rejects.toThrow(
    /STATE_BUFFER_FULL/
  )
})

test('finds the windows through tables and streams above', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .groupByKey()
        .windowedBy(sliding(10))
        .count()
        .filter(({ key }) => key !== 'b')
        .suppress(untilWindowCloses())
        .toStream(windowText)
        .to('out', TEXT),
    ['a=1@20', 'b=1@20', 'a=1@100']
  )
  // A sliding window that ends now is closed for suppress(), though it still takes records: as in Kafka Streams.
  expect(outputs).toEqual(['a:10-20=1@20', 'a:90-100=1@100'])
})

test('tells what was there before to an aggregation below', async () => {
  const outputs = await run(
    builder =>
      builder
        .table('in', TEXT)
        .suppress(untilTimeLimit(0))
        .groupBy((_key, value) => ['all', value], TEXT)
        .reduce(
          (a, b) => a + b,
          (a, b) => a - b
        )
        .toStream()
        .to('out'),
    ['a=1@0', 'b=5@1', 'a=2@2']
  )
  expect(outputs.at(-1)).toBe('all=7@2')
})

test.each([
  ['without a record cache', 0],
  ['with one', 1024 * 1024]
])('is read as far as it was emitted, %s', async (_, cacheBytes) => {
  const outputs = await run(
    builder => {
      const held = builder.table('in', { ...TEXT, store: 'rows' }).suppress(untilTimeLimit(10))
      builder
        .stream('asked', TEXT)
        .join(held, (_question, value) => value)
        .to('out', TEXT)
    },
    // What is emitted first is what later updates, held and not yet heard of alike, must not show through.
    [
      'in>a=1@0',
      'commit',
      'in>b=1@10',
      'commit',
      'asked>a=0@10',
      'in>a=2@11',
      'asked>a=0@11',
      'commit',
      'asked>a=0@12'
    ],
    { cacheBytes }
  )
  expect(outputs).toEqual(['a=1@10', 'a=1@11', 'a=1@12'])
})

test('wrong use fails while building, with the name of the node', () => {
  const rows = new StreamsBuilder().table('in', TEXT)
  expect(() => rows.suppress(untilWindowCloses() as never, { name: 'final' })).toThrow(
    /node 'final' waits until windows close, but the table does not come from an aggregation of windows/
  )
  expect(() => rows.suppress({} as never)).toThrow(/takes untilTimeLimit\(…\) or untilWindowCloses\(\)/)
  expect(() => rows.mapValues(value => [value]).suppress(untilTimeLimit(5))).toThrow(/TOPOLOGY_SERDE_MISSING/)
  expect(() => untilTimeLimit(-1)).toThrow(/negative time/)
  expect(() => untilTimeLimit(1, { maxRecords: -1 })).toThrow(/whole numbers from 0 as maxRecords, not -1/)
  expect(() => untilTimeLimit(1, { whenFull: 'stop' as never })).toThrow(/'emitEarly' or 'shutDown'/)
  expect(() => untilWindowCloses({ whenFull: 'emitEarly' } as never)).toThrow(/has no option 'whenFull'/)
})
