import { expect, test } from 'vitest'
import type { KTable } from '../ktable.ts'
import { StreamsBuilder } from '../streams-builder.ts'
import { run, TEXT } from '../test-support/run-topology.ts'

const VERSIONED = { ...TEXT, historyRetention: 50 }

test('forwards out-of-order updates, and drops those older than the history', async () => {
  const records = ['a=1@100', 'a=2@90', 'a=@80', 'a=3@49', '=4@200', 'a=5@100']
  const outputs = await run(builder => builder.table('in', VERSIONED).toStream().to('out', TEXT), records)
  expect(outputs).toEqual(['a=1@100', 'a=2@90', 'a=@80', 'a=5@100'])
})

test.each([
  ['a source', (builder: StreamsBuilder) => builder.table('in', VERSIONED)],
  ['a stream', (builder: StreamsBuilder) => builder.stream('in', TEXT).toTable(VERSIONED)],
  ['a filter of one', (builder: StreamsBuilder) => builder.table('in', VERSIONED).filter(() => true)],
  [
    'a reduction',
    (builder: StreamsBuilder) =>
      builder
        .stream('in', TEXT)
        .toTable(VERSIONED)
        .toStream()
        .groupByKey(TEXT)
        .reduce((_a, b) => b, VERSIONED)
  ]
])('aggregates only the latest rows of %s', async (_what, table) => {
  const outputs = await run(
    builder =>
      table(builder)
        .groupBy((key, value) => [`all-${key.length}`, value], TEXT)
        .reduce(
          (a, b) => a + b,
          (a, b) => a - b,
          TEXT
        )
        .toStream()
        .to('out', TEXT),
    ['a=1@100', 'b=10@100', 'a=2@90', 'a=3@101']
  )
  expect(outputs.at(-1)).toMatch(/^all-1=13@/)
})

test('joins only the latest rows', async () => {
  const outputs = await run(
    builder =>
      builder
        .table('in', VERSIONED)
        .join(builder.table('rows', VERSIONED), (left, right) => `${left}${right}`)
        .toStream()
        .to('out', TEXT),
    ['a=1@100', 'rows>a="x"@100', 'a=2@90', 'rows>a="y"@90', 'a=3@110']
  )
  expect(outputs).toEqual(['a="1x"@100', 'a="3x"@110'])
})

test('is a plain table again once it is materialised', async () => {
  const outputs = await run(
    builder => {
      const plain = builder.table('in', VERSIONED).mapValues(value => value, { store: 'plain', value: TEXT.value })
      builder
        .stream('asked', TEXT)
        .join(plain, (_value, row) => row)
        .to('out', TEXT)
    },
    ['a=1@100', 'a=2@90', 'asked>a=0@100']
  )
  expect(outputs).toEqual(['a=2@100'])
})

const HISTORY = { ...VERSIONED, store: 'kept' }
const add = (_key: string, value: number, sum: number) => sum + value
const subtract = (_key: string, value: number, sum: number) => sum - value

/** Tables of `in` that keep a history of their own; each has the row `a`. */
const WITH_HISTORY: [string, (builder: StreamsBuilder) => KTable<string, any>][] = [
  ['filter', builder => builder.table('in', TEXT).filter(() => true, HISTORY)],
  ['filterNot', builder => builder.table('in', VERSIONED).filterNot(() => false, HISTORY)],
  ['mapValues', builder => builder.table('in', TEXT).mapValues(value => value, HISTORY)],
  ['transformValues', builder => builder.table('in', TEXT).transformValues(() => (_key, value) => value, HISTORY)],
  ['join', builder => builder.table('in', TEXT).join(builder.table('rows', TEXT), left => left, HISTORY)],
  ['leftJoin', builder => builder.table('in', TEXT).leftJoin(builder.table('rows', TEXT), left => left, HISTORY)],
  ['outerJoin', builder => builder.table('in', TEXT).outerJoin(builder.table('rows', TEXT), left => left, HISTORY)],
  [
    'a join by foreign key',
    builder =>
      builder.table('in', TEXT).join(
        builder.table('rows', TEXT),
        () => 'a',
        value => value,
        HISTORY
      )
  ],
  [
    'aggregate of a grouped table',
    builder =>
      builder
        .table('in', TEXT)
        .groupBy((key, value) => [key, value], TEXT)
        .aggregate(() => 0, add, subtract, HISTORY)
  ],
  [
    'reduce of a grouped table',
    builder =>
      builder
        .table('in', TEXT)
        .groupBy((key, value) => [key, value], TEXT)
        .reduce(
          (sum, value) => sum + value,
          (sum, value) => sum - value,
          HISTORY
        )
  ],
  [
    'cogroup',
    builder =>
      builder
        .stream('in', TEXT)
        .groupByKey()
        .cogroup((_key, value: number) => value)
        .aggregate(() => 0, HISTORY)
  ]
]

test.each(WITH_HISTORY)('%s remembers its rows if it is told to', async (operator, table) => {
  const other = /join/i.test(operator) ? ['rows>a="x"@1'] : []
  const records = [...other, 'a=1@10', 'a=2@20', 'a=3@30', 'asked>a=0@29', 'asked>a=0@20', 'asked>a=0@9']
  const outputs = await run(builder => {
    const rows = table(builder)
    builder
      .stream('asked', TEXT)
      .join(rows, (_value, row) => row)
      .to('out', TEXT)
  }, records)
  expect(outputs).toEqual(['a=2@29', 'a=2@20'])
})

test.each(WITH_HISTORY)('%s with a history can be joined with a grace, and queried as what it is', (_name, table) => {
  const builder = new StreamsBuilder()
  const rows = table(builder)
  builder
    .stream('asked', TEXT)
    .join(rows, (_value, row) => row, { grace: 50 })
    .to('out', TEXT)
  expect(() => builder.build()).not.toThrow()
  expect(rows.queryableVersionedStore).toEqual({ name: 'kept', kind: 'versioned-key-value' })
  expect(() => rows.queryableStore).toThrow(/'kept' of node '.*' keeps past versions.*queryableVersionedStore/)
})

test('tells where an update that is out of order belongs, and drops what is older than the history', async () => {
  const build = (operator: (table: KTable<string, any>) => KTable<string, any>) => (builder: StreamsBuilder) => {
    const kept = operator(builder.table('in', TEXT))
    kept.toStream().to('out', TEXT)
    kept
      .groupBy((_key, value) => ['all', value], TEXT)
      .aggregate(() => 0, add, subtract, { value: TEXT.value })
      .toStream()
      .to('out', TEXT)
  }
  const records = ['a=1@100', 'a=2@90', 'a=5@110', 'a=9@49', 'a=@120']
  // The sum is of the latest rows: it passes over the one at 90.
  const wanted = ['a=1@100', 'all=1@100', 'a=2@90', 'a=5@110', 'all=5@110', 'a=@120', 'all=0@120']
  expect(
    await run(
      build(table => table.mapValues(value => value, HISTORY)),
      records
    )
  ).toEqual(wanted)
  expect(
    await run(
      build(table => table.filter(() => true, HISTORY)),
      records
    )
  ).toEqual(wanted)
  const join = build(table => table.leftJoin(table, left => left, HISTORY))
  // A join of a table with itself gives each result twice.
  expect([...new Set(await run(join, records))]).toEqual(wanted)
})

test('a table without a history is not queried for versions', () => {
  const table = new StreamsBuilder().table('in', { ...TEXT, store: 'rows', name: 'plain' })
  expect(() => table.queryableVersionedStore).toThrow(/'rows' of node 'plain' keeps no past versions.*historyRetention/)
})

test('remembers the result of a foreign-key join', async () => {
  const outputs = await run(
    builder => {
      const joined = builder.table('in', TEXT).join(
        builder.table('rows', TEXT),
        () => 'x',
        (value, row) => `${value}${row}`,
        VERSIONED
      )
      builder
        .stream('asked', TEXT)
        .join(joined, (_value, row) => row)
        .to('out', TEXT)
    },
    ['rows>x="u"@1', 'a=1@10', 'a=2@20', 'asked>a=0@15']
  )
  expect(outputs).toEqual(['a="1u"@15'])
})
