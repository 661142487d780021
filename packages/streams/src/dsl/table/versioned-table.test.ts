import { expect, test } from 'vitest'
import type { StreamsBuilder } from '../streams-builder.ts'
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
