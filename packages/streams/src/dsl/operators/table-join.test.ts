import { expect, test } from 'vitest'
import { session, tumbling } from '../../core/index.ts'
import type { KTable } from '../ktable.ts'
import { StreamsBuilder } from '../streams-builder.ts'
import { run, TEXT } from '../test-support/run-topology.ts'
import { windowText } from '../test-support/windowed-lists.ts'

const RECORDS = [
  'in>a=1@5',
  'rows>a="x"@3',
  '=9@6',
  'rows>a="y"@9',
  'a=2@8',
  'rows>a=@4',
  'a=@10',
  'a=@11',
  'rows>b="z"@1'
]

type Op = 'join' | 'leftJoin' | 'outerJoin'

function joined(
  op: Op,
  builder: StreamsBuilder,
  joiner: (left: any, right: any) => string,
  options: object
): KTable<string, string> {
  const table: { [name in Op]: (...args: unknown[]) => KTable<string, string> } = builder.table('in', TEXT) as any
  return table[op](builder.table('rows', TEXT), joiner, options)
}

function joining(op: Op, options = {}): (builder: StreamsBuilder) => void {
  return builder =>
    joined(op, builder, (left, right) => `${left}${right}`, options)
      .toStream()
      .to('out', TEXT)
}

test('joins where both tables have a row, at the higher time of both', async () => {
  const outputs = await run(joining('join'), RECORDS)
  expect(outputs).toEqual(['a="1x"@5', 'a="1y"@9', 'a="2y"@9', 'a=@8'])
})

test('forwards each repeated deletion while the other side has a row', async () => {
  expect(await run(joining('join'), ['rows>a="x"@1', 'a=@2', 'a=@3'])).toEqual(['a=@2', 'a=@3'])
})

test('keeps the rows of the left table in a left join', async () => {
  const outputs = await run(joining('leftJoin'), RECORDS)
  expect(outputs).toEqual(['a="1null"@5', 'a="1x"@5', 'a="1y"@9', 'a="2y"@9', 'a="2null"@8', 'a=@10'])
})

test('keeps the rows of both tables in an outer join', async () => {
  const outputs = await run(joining('outerJoin'), RECORDS)
  expect(outputs).toEqual(['a="1null"@5', 'a="1x"@5', 'a="1y"@9', 'a="2y"@9', 'a="2null"@8', 'a=@10', 'b="nullz"@1'])
})

test('takes an out-of-order update as it comes', async () => {
  expect(await run(joining('join'), ['a=1@9', 'rows>a="x"@9', 'a=2@1'])).toEqual(['a="1x"@9', 'a="2x"@9'])
})

test.each(['join', 'leftJoin', 'outerJoin'] as const)('%s gives the same whether it is stored or not', async op => {
  const stored = await run(joining(op, { store: 'joined', value: TEXT.value }), RECORDS)
  expect(stored).toEqual(await run(joining(op), RECORDS))
})

test.each(['join', 'leftJoin', 'outerJoin'] as const)('%s subtracts the right rows when it is grouped', async op => {
  const grouped = (options: object) => (builder: StreamsBuilder) =>
    joined(op, builder, (left, right) => `${left ?? 0}${right ?? ''}`, options)
      .groupBy((_key, value) => ['all', value], TEXT)
      .aggregate(
        () => [] as string[],
        (_key, value, all) => [...all, value],
        (_key, value, all) => all.filter(one => one !== value),
        { value: TEXT.value }
      )
      .toStream()
      .to('out', TEXT)
  const last = (await run(grouped({}), RECORDS)).at(-1)
  expect(last).toMatch(op === 'outerJoin' ? /^all=\["0z"\]@/ : /^all=\[\]@/)
  expect((await run(grouped({ store: 'joined', value: TEXT.value }), RECORDS)).at(-1)).toBe(last)
})

const CACHED = { cacheBytes: 100_000 }

/** Outer join of the sums per window of two topics, and the sum over all its rows. */
function windowedJoin(windows: ReturnType<typeof tumbling> | ReturnType<typeof session>, rowsAreCached = true) {
  return (builder: StreamsBuilder): void => {
    const sums = (topic: string, caching = true) =>
      builder
        .stream(topic, TEXT)
        .groupByKey()
        .windowedBy(windows as ReturnType<typeof tumbling>)
        .reduce((a: number, b: number) => a + b, { caching })
    const both = sums('in').outerJoin(sums('rows', rowsAreCached), (left, right) => (left ?? 0) + (right ?? 0))
    both.toStream(windowText).to('out', TEXT)
    both
      .groupBy((_window, sum) => ['all', sum], TEXT)
      .reduce(
        (a, b) => a + b,
        (a, b) => a - b
      )
      .toStream()
      .to('out', TEXT)
  }
}

test.each([
  ['time windows', tumbling(10, { grace: 100 }), { 'a:0-10': 77, 'b:10-20': 4, all: 81 }],
  ['sessions', session(10, { grace: 100 }), { 'a:1-8': 77, 'b:12-12': 4, all: 81 }]
])('subtracts what it added, of joined %s that a cache holds back', async (_what, windows, expected) => {
  const records = ['a=1@1', 'rows>a=10@1', 'commit', 'a=2@8', 'rows>a=20@3', 'a=4@2', 'rows>a=40@8', 'b=4@12']
  const last = async (options: object) =>
    Object.fromEntries(
      (await run(windowedJoin(windows), records, options)).flatMap(output => {
        const [, key, value] = /^(.*)=(.*)@\d+$/.exec(output) as unknown as [string, string, string]
        return [[key, value === '' ? undefined : JSON.parse(value)]]
      })
    )
  expect(await last({})).toMatchObject(expected)
  expect(await last(CACHED)).toMatchObject(expected)
})

test.each([
  ['time windows', tumbling(10), true],
  ['sessions', session(2), true],
  ['time windows, one side without a cache,', tumbling(10), false],
  ['sessions, one side without a cache,', session(2), false]
])('joins %s that expired while a cache held them back', async (_what, windows, rowsAreCached) => {
  const records = ['a=1@1', 'rows>a=10@1', 'a=2@100', 'rows>a=20@100']
  const plain = await run(windowedJoin(windows), records)
  const cached = await run(windowedJoin(windows, rowsAreCached), records, CACHED)
  const last = (outputs: string[], key: string) => outputs.findLast(output => output.startsWith(key))
  expect(last(plain, 'a:0-10=') ?? last(plain, 'a:1-1=')).toBeDefined()
  for (const key of ['a:0-10=', 'a:1-1=', 'a:100-110=', 'a:100-100=', 'all='])
    expect(last(cached, key)).toBe(last(plain, key))
})

test('is looked up without a store by asking both tables', async () => {
  const outputs = await run(
    builder => {
      const rows = builder.table('in', TEXT).outerJoin(builder.table('rows', TEXT), (left, right) => [left, right])
      builder
        .stream('asked', TEXT)
        .leftJoin(rows, (_value, row) => row)
        .to('out', TEXT)
    },
    ['asked>a=1@1', 'a=1@2', 'asked>a=1@3', 'rows>a=2@4', 'asked>a=1@5', 'a=@6', 'asked>a=1@7']
  )
  expect(outputs).toEqual(['a=@1', 'a=[1,null]@3', 'a=[1,2]@5', 'a=[null,2]@7'])
})

test('deletes the row when the joiner gives null', async () => {
  const outputs = await run(
    builder =>
      builder
        .table('in', TEXT)
        .join(builder.table('rows', TEXT), left => (left > 1 ? left : null))
        .toStream()
        .to('out', TEXT),
    ['rows>a="x"@1', 'a=2@2', 'a=1@3']
  )
  expect(outputs).toEqual(['a=2@2', 'a=@3'])
})

test('demands equal partition counts of what it joins', () => {
  const builder = new StreamsBuilder()
  builder.table('in', TEXT).join(builder.table('rows', TEXT), left => left, { name: 'both' })
  expect(builder.build().subTopologies[0]?.copartitionGroups).toEqual([{ node: 'both', topics: ['in', 'rows'] }])
})

test('refuses misuse while building, naming the node', () => {
  const builder = new StreamsBuilder()
  const table = builder.table('in', TEXT)
  const rows = builder.table('rows', TEXT)
  expect(() => table.join(rows, 7 as any)).toThrow(/join\(\) takes a function as joiner/)
  expect(() => table.join(rows, left => left, { store: 'joined', name: 'both' })).toThrow(
    /Node 'both' needs a serde for the value.*Pass one to join\(\)/
  )
  expect(() => table.leftJoin(rows, left => left, { stroe: 'joined' } as any)).toThrow(
    /leftJoin\(\) has no option 'stroe'/
  )
  const foreign = new StreamsBuilder().table('rows', TEXT)
  expect(() => table.outerJoin(foreign, left => left)).toThrow(/a table of the same StreamsBuilder/)
})
