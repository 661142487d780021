import { expect, test } from 'vitest'
import { INTERNAL_PREFIX } from '../../topology/index.ts'
import { StreamsBuilder } from '../streams-builder.ts'
import { run, TEXT } from '../test-support/run-topology.ts'

/** Orders name their customer in `c`. */
function orders(isLeft: boolean, options = {}): (builder: StreamsBuilder) => void {
  return builder => {
    const customers = builder.table('rows', TEXT)
    const table = builder.table('in', TEXT)
    const customer = (_key: string, order: any) => order.c as string | null
    const joined = isLeft
      ? table.leftJoin(customers, customer, (order, name) => `${order.n}:${name}`, options)
      : table.join(customers, customer, (order, name) => `${order.n}:${name}`, options)
    joined.toStream().to('out', TEXT)
  }
}

const order = (key: string, customer: string | null, n: number, ts: number) =>
  `${key}=${JSON.stringify({ c: customer, n })}@${ts}`

test('joins each row with the row it refers to, and again when that changes', async () => {
  const outputs = await run(orders(false), [
    'rows>x="Ann"@10',
    order('b', 'x', 1, 1),
    order('a', 'x', 2, 20),
    'rows>x="Bob"@5',
    'rows>x=@6'
  ])
  // A row's update has the higher time of both, an update of the other table its own; fanned out by key.
  expect(outputs).toEqual(['b="1:Ann"@10', 'a="2:Ann"@20', 'a="2:Bob"@5', 'b="1:Bob"@5', 'a=@6', 'b=@6'])
})

test('gives one output when the foreign key changes', async () => {
  const outputs = await run(orders(false), [
    'rows>x="Ann"@1',
    'rows>y="Bob"@1',
    order('a', 'x', 1, 2),
    order('a', 'y', 1, 3)
  ])
  expect(outputs).toEqual(['a="1:Ann"@2', 'a="1:Bob"@3'])
  expect(await run(orders(false), ['rows>x="Ann"@1', order('a', 'x', 1, 2), order('a', 'y', 1, 3)])).toEqual([
    'a="1:Ann"@2',
    'a=@3'
  ])
})

test('has no result for a missing row or a null foreign key, and takes back the one before', async () => {
  const outputs = await run(orders(false), [
    order('a', 'x', 1, 1),
    order('b', null, 1, 2),
    'rows>x="Ann"@3',
    order('a', null, 1, 4),
    'a=@5',
    '=1@6'
  ])
  expect(outputs).toEqual(['a="1:Ann"@3', 'a=@4'])
})

test('forwards a deletion of a row that referred to something', async () => {
  expect(await run(orders(false), [order('a', 'x', 1, 1), 'a=@2', 'a=@3'])).toEqual(['a=@2'])
})

test('joins with null in a left join, and deletes what is deleted', async () => {
  const outputs = await run(orders(true), [
    order('a', null, 1, 1),
    order('b', 'x', 2, 2),
    'rows>x="Ann"@3',
    'rows>x=@4',
    'b=@5',
    'b=@6'
  ])
  expect(outputs).toEqual(['a="1:null"@1', 'b="2:null"@2', 'b="2:Ann"@3', 'b="2:null"@4', 'b=@5'])
})

test('takes an out-of-order update as it comes', async () => {
  const outputs = await run(orders(false), ['rows>x="Ann"@9', order('a', 'x', 1, 8), order('a', 'x', 2, 1)])
  expect(outputs).toEqual(['a="1:Ann"@9', 'a="2:Ann"@9'])
})

test('does not take one foreign key for another that begins with it', async () => {
  const outputs = await run(orders(false), [order('a', 'x', 1, 1), order('b', 'xy', 2, 1), 'rows>x="Ann"@2'])
  expect(outputs).toEqual(['a="1:Ann"@2'])
})

test('has two internal topics, each to be partitioned like the table it goes to', () => {
  const builder = new StreamsBuilder()
  orders(false, { name: 'with-names', store: 'joined', value: TEXT.value })(builder)
  const groups = builder.build().subTopologies.flatMap(sub => sub.copartitionGroups)
  expect(groups).toEqual([
    {
      node: 'with-names-subscription-receive',
      topics: ['rows', `${INTERNAL_PREFIX}with-names-subscription-registration-topic`]
    },
    {
      node: 'with-names-subscription-response-resolver',
      topics: ['in', `${INTERNAL_PREFIX}with-names-subscription-response-topic`]
    }
  ])
})

test('refuses misuse while building, naming the node', () => {
  const builder = new StreamsBuilder()
  const table = builder.table('in', TEXT)
  const rows = builder.table('rows', TEXT)
  expect(() => table.join(rows, 'c' as any, () => 1)).toThrow(/join\(\) takes a function as foreign key/)
  expect(() =>
    table
      .mapValues(value => value)
      .join(
        rows,
        () => 'x',
        () => 1,
        { name: 'with-names' }
      )
  ).toThrow(/Node 'with-names-subscription-registration-processor' needs a serde for the value.*'thisValue'/)
  expect(() =>
    table.join(
      rows,
      () => 'x',
      () => 1,
      { store: 'joined', name: 'with-names' }
    )
  ).toThrow(/Node 'with-names-result' needs a serde for the value/)
})

test('does not answer with a row that a cache holds back, of whose end nobody would hear', async () => {
  const build = (builder: StreamsBuilder) => {
    const customers = builder.table('rows', TEXT)
    const table = builder.table('in', { ...TEXT, caching: false })
    table
      .join(
        customers,
        (_key, value) => value.c as string,
        (value, name) => `${value.n}:${name}`
      )
      .toStream()
      .to('out', TEXT)
  }
  const records = ['rows>x="Ann"@1', order('a', 'x', 1, 2), 'rows>x=@3', order('b', 'x', 2, 4), 'rows>x="Bob"@5']
  expect(await run(build, records.slice(0, 3))).toEqual(['a="1:Ann"@2', 'a=@3'])
  expect(await run(build, records.slice(0, 3), { cacheBytes: 100_000 })).toEqual([])
  expect(await run(build, records, { cacheBytes: 100_000 })).toEqual(['a="1:Bob"@5', 'b="2:Bob"@5'])
})

test('takes the answer to the row last forwarded, also when a cache holds back a newer one', async () => {
  const build = (builder: StreamsBuilder) => {
    builder
      .stream('in', TEXT)
      .flatMap((_key, rows) => rows as [string, any][])
      .toTable(TEXT)
      .join(
        builder.table('rows', TEXT),
        (_key, value) => value.c as string,
        (value, name) => `${value.n}:${name}`
      )
      .toStream()
      .to('out', TEXT)
  }
  const row = { c: 'x', n: 1 }
  const large = { c: 'y', n: 'n'.repeat(1000) }
  const records = [
    'rows>x="Ann"@1',
    `=${JSON.stringify([['a', row]])}@2`,
    'commit',
    // The large one flushes the deletion of a; the third is held back, and ended before anyone hears of it.
    `=${JSON.stringify([
      ['a', null],
      ['large', large],
      ['a', row]
    ])}@3`,
    '=[["a",null]]@4'
  ]
  expect(await run(build, records)).toContain('a="1:Ann"@2')
  expect((await run(build, records, { cacheBytes: 800 })).at(-1)).toBe('a=@3')
})

test.each([false, true])('hears of the end of a row while it changes itself, as a left join: %s', async isLeft => {
  // Both are flushed at once: the deletion is answered to what the row was before.
  const records = ['rows>x="Ann"@1', order('a', 'x', 1, 2), 'commit', order('a', 'x', 2, 3), 'rows>x=@4']
  const expected = isLeft ? 'a="2:null"@' : 'a=@'
  expect((await run(orders(isLeft), records)).at(-1)).toContain(expected)
  expect((await run(orders(isLeft), records, { cacheBytes: 100_000 })).at(-1)).toContain(expected)
})

test('a row that refers to another by now does not hear of the end of the first', async () => {
  const records = [
    'rows>x="Ann"@1',
    'rows>y="Bob"@1',
    order('a', 'x', 1, 2),
    'commit',
    order('a', 'y', 2, 3),
    'rows>x=@4'
  ]
  const outputs = await run(orders(false), records, { cacheBytes: 100_000 })
  expect(outputs).toEqual(['a="1:Ann"@2', 'a="2:Bob"@3'])
})

/** Where the join's sinks write a record of this key, by the end of their topics' names; the value is as of a first row. */
function partitionsOf(options: object, key: unknown): Record<string, number | undefined> {
  const builder = new StreamsBuilder()
  orders(true, { name: 'owner', ...options })(builder)
  const sinks = builder.build().subTopologies.flatMap(({ nodes }) => nodes.filter(node => node.kind === 'sink'))
  const value = { primaryPartition: 3 }
  return Object.fromEntries(
    sinks
      .filter(({ topic }) => String(topic).includes('owner'))
      .map(({ topic, partitioner }) => [/(\w+)-topic$/.exec(String(topic))?.[1], partitioner?.('t', key, value, 8)])
  )
}

test('sends subscriptions and answers as the topics of both tables are partitioned', () => {
  expect(partitionsOf({}, 'k')).toEqual({ registration: undefined, response: 3 })
  const seen: unknown[][] = []
  const options = {
    partitioner: (...args: unknown[]) => Number(seen.push(args) > 0) + 4,
    otherPartitioner: (...args: unknown[]) => Number(seen.push(args) > 0) + 5
  }
  expect(partitionsOf(options, 'k')).toEqual({ registration: 6, response: 5 })
  expect(seen).toEqual([
    ['t', 'k', null, 8],
    ['t', 'k', null, 8]
  ])
})

test('does not ask how the other table is partitioned for rows that refer to nothing', () => {
  const otherPartitioner = (_topic: string, key: string) => key.length
  expect(partitionsOf({ otherPartitioner }, null)).toEqual({ registration: undefined, response: 3 })
  expect(partitionsOf({ otherPartitioner }, 'four')).toMatchObject({ registration: 4 })
})

test('refuses a partitioner that is no function', () => {
  expect(() => partitionsOf({ partitioner: 3 }, 'k')).toThrow(
    /leftJoin\(\) of node 'owner' takes as 'partitioner' a function .*; not a number, 3\./
  )
  expect(() => partitionsOf({ otherPartitioner: null }, 'k')).toThrow(
    /takes as 'otherPartitioner' a function .*; not null\./
  )
})
