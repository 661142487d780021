import { expect, test } from 'vitest'
import { TopologyTestDriver } from '@millrace/testing'
import { int64, type KeyValueStore, string } from '../../core/index.ts'
import { keyValueStore } from '../../topology/index.ts'
import type { KTable } from '../ktable.ts'
import { StreamsBuilder } from '../streams-builder.ts'
import { untilTimeLimit } from '../suppressed.ts'
import { pipe, read, run, TEXT } from '../test-support/run-topology.ts'
import type { StatefulValueTransformer, ValueTransformerContext } from '../value-transformer.ts'

const render = () => (key: string, value: number | null) => `${key}${value}`

test('transforms deletions too', async () => {
  const outputs = await run(
    builder => builder.table('in', TEXT).transformValues(render).toStream().to('out', { value: TEXT.value }),
    ['a=1@1', 'a=@2']
  )
  expect(outputs).toEqual(['a="a1"@1', 'a="anull"@2'])
})

test('stores what it makes of a deletion, and deletes the row for null', async () => {
  const builder = new StreamsBuilder()
  builder
    .table('in', TEXT)
    .transformValues(() => (key, value) => (value === 0 ? null : `${key}${value}`), { store: 's', value: TEXT.value })
  await using driver = await TopologyTestDriver.open(builder.build())
  const store = driver.store<KeyValueStore<string, unknown>>('s')
  pipe(driver, 'a=@2')
  await driver.commit()
  expect(store.get('a')).toMatchObject({ value: 'anull', timestampMs: 2 })
  pipe(driver, 'a=0@3')
  await driver.commit()
  expect(store.get('a')).toBeUndefined()
})

test('gives the stored value as the old one, or without a store transforms the old one again', async () => {
  for (const options of [{}, { store: 's', value: TEXT.value }]) {
    const outputs = await run(
      builder =>
        builder
          .table('in', { ...TEXT, store: 'rows' })
          .transformValues(() => (_key, value: number | null) => (value === null ? null : value * 2), options)
          .groupBy((_key, value) => ['all', value], { key: TEXT.key, value: TEXT.value })
          .reduce(
            (sum, value) => sum + value,
            (sum, value) => sum - value
          )
          .toStream()
          .to('out'),
      ['a=1@1', 'b=3@2', 'a=5@3', 'b=@4']
    )
    expect(outputs).toEqual(['all=2@1', 'all=8@2', 'all=16@3', 'all=10@4'])
  }
})

test('is looked up through the table above when it has no store, also where that has no row', async () => {
  const outputs = await run(
    builder => {
      const rendered = builder.table('rows', TEXT).transformValues(render)
      builder
        .stream('in', TEXT)
        .join(rendered, (value, row) => [value, row])
        .to('out', { value: TEXT.value })
    },
    ['rows>a=3@1', 'a=7@2', 'b=8@3']
  )
  expect(outputs).toEqual(['a=[7,"a3"]@2', 'b=[8,"bnull"]@3'])
})

/** Adds up all values that it ever saw. */
class Totals implements StatefulValueTransformer<string, number, number> {
  readonly #events: string[]
  #totals!: KeyValueStore<string, number>
  #context!: ValueTransformerContext

  constructor(events: string[]) {
    this.#events = events
  }

  init(context: ValueTransformerContext): void {
    this.#events.push(`init ${context.nodeName}`)
    this.#context = context
    this.#totals = context.getStateStore('totals')
  }

  transform(key: string, value: number | null): number {
    this.#events.push(`${key}=${value} from ${this.#context.recordMetadata()?.topic}`)
    const total = (this.#totals.get(key) ?? 0) + (value ?? 0)
    this.#totals.put(key, total)
    return total
  }

  close(): void {
    this.#events.push('close')
  }
}

const TOTALS = keyValueStore('totals', { key: string(), value: int64() })

test('lets a transformer use stores and its context, and closes it with the task', async () => {
  const events: string[] = []
  const builder = new StreamsBuilder()
  builder
    .table('in', TEXT)
    .transformValues(() => new Totals(events), { name: 'sum', stores: [TOTALS], store: 's', value: TEXT.value })
    .toStream()
    .to('out')
  {
    await using driver = await TopologyTestDriver.open(builder.build())
    for (const record of ['a=1@1', 'a=2@2', 'a=@3']) pipe(driver, record)
    await driver.commit()
    expect(read(driver)).toEqual(['a=1@1', 'a=3@2', 'a=3@3'])
  }
  expect(events).toEqual(['init sum', 'a=1 from in', 'a=2 from in', 'a=null from in', 'close'])
})

test('connects the stores of the transformer to nodes that look rows up, and hides their record from it', async () => {
  const events: string[] = []
  const outputs = await run(
    builder => {
      const totals = builder.table('rows', TEXT).transformValues(() => new Totals(events), { stores: [TOTALS] })
      builder
        .stream('in', TEXT)
        .join(totals, (_value, row) => row, { name: 'look-up' })
        .to('out', { value: TEXT.value })
    },
    ['rows>a=3@1', 'a=7@2']
  )
  expect(outputs).toEqual(['a=6@2'])
  expect(events).toContain('init look-up')
  expect(events.slice(-3)).toEqual(['a=3 from undefined', 'close', 'close'])
})

test('refuses a supplier that gives no transformer', async () => {
  const open = (supplier: any) => run(builder => void builder.table('in', TEXT).transformValues(supplier), ['a=1@1'])
  await expect(open('x')).rejects.toThrow(
    /transformValues\(\) takes a function as supplier of transformers, not a string/
  )
  await expect(open((key: string) => `${key}`)).rejects.toThrow(/The supplier of transformValues\(\) gave a string/)
})

test('closes also the transformers that look rows up for other nodes', async () => {
  const made: string[] = []
  const closed: string[] = []
  const supplier = (name: string) => () => {
    made.push(name)
    return { transform: (_key: string, value: number | null) => value, close: () => void closed.push(name) }
  }
  await run(
    builder => {
      const rows = builder.table('rows', TEXT).transformValues(supplier('rows'))
      const others = builder.table('others', TEXT).transformValues(supplier('others'))
      const both = rows.join(others, (one, other) => `${one}${other}`)
      const kept = both
        .filter(() => true)
        .mapValues(value => value)
        .suppress(untilTimeLimit(5), TEXT)
      builder.stream('in', TEXT).join(kept, (_value, row) => row)
      const joined = builder.table('first', TEXT).transformValues(supplier('first'))
      joined.leftJoin(
        others,
        () => 'a',
        (one, other) => `${one}${other}`,
        { thisValue: TEXT.value, otherValue: TEXT.value }
      )
    },
    ['rows>a=3@1', 'in>a=7@2']
  )
  // Each as a node, and for: the other side of the join; the look-up through it; the answers of the foreign-key join.
  expect(made.toSorted()).toEqual(['first', 'first', 'others', 'others', 'others', 'others', 'rows', 'rows', 'rows'])
  expect(closed.toSorted()).toEqual(made.toSorted())
})

test.each([
  ['transformValues', (table: KTable<string, any>, options: object) => table.transformValues(render, options)],
  ['mapValues', (table: KTable<string, any>, options: object) => table.mapValues(value => value, options)],
  ['filter', (table: KTable<string, any>, options: object) => table.filter(() => true, options)]
])('refuses a history of %s without a store to keep it', (operator, derive) => {
  const table = new StreamsBuilder().table('in', TEXT)
  expect(() => derive(table, { name: 'some', historyRetention: '1m' })).toThrow(
    `Node 'some' has a history retention, 1m, but no store to keep it in: ${operator}() stores its rows only under a name.`
  )
})
