import { TopologyTestDriver } from '@millrace/testing'
import { expect, test } from 'vitest'
import { joinWindows } from '../../core/index.ts'
import type { KStream } from '../kstream.ts'
import { StreamsBuilder } from '../streams-builder.ts'
import { pipe, read, run, TEXT } from '../test-support/run-topology.ts'

type Op = 'join' | 'leftJoin' | 'outerJoin'

function joining(op: Op, windows = joinWindows(5), options = {}): (builder: StreamsBuilder) => void {
  return builder => {
    const stream: { [name in Op]: (...args: unknown[]) => KStream<string, string> } = builder.stream('in', TEXT) as any
    const joiner = (left: any, right: any) => `${left}${right}`
    stream[op](builder.stream('rows', TEXT), joiner, windows, options).to('out', TEXT)
  }
}

test('joins all pairs within the time difference, bounds included, at the higher time', async () => {
  const outputs = await run(joining('join', joinWindows(5, { grace: 20 })), [
    'a=1@10',
    'a=2@10',
    'rows>a="x"@15',
    'rows>a="y"@4',
    'rows>a="z"@5',
    'rows>b="z"@10'
  ])
  expect(outputs).toEqual(['a="1x"@15', 'a="2x"@15', 'a="1z"@10', 'a="2z"@10'])
})

test('joins forwards and backwards by different times', async () => {
  const records = ['a=1@10', 'rows>a="x"@9', 'rows>a="y"@10', 'rows>a="z"@13', 'rows>a="w"@14']
  const outputs = await run(joining('join', joinWindows(3, { before: 0, grace: 9 })), records)
  expect(outputs).toEqual(['a="1y"@10', 'a="1z"@13'])
})

test('drops null keys and null values in an inner join', async () => {
  expect(await run(joining('join'), ['=1@1', 'rows>="x"@1', 'a=@1', 'rows>a="x"@1', 'rows>a=@2'])).toEqual([])
})

test('emits what found no match once its window has closed, when a newer record comes', async () => {
  const records = ['a=1@0', 'b=2@1', 'rows>b="x"@2', 'c=3@5', 'c=4@7', 'c=5@8']
  const outputs = await run(joining('leftJoin', joinWindows(5, { grace: 2 })), records)
  expect(outputs).toEqual(['b="2x"@2', 'a="1null"@0'])
})

test('emits unmatched records of both sides in an outer join: by time, right before left', async () => {
  const outputs = await run(joining('outerJoin'), ['a=1@1', 'rows>b="x"@1', 'a=2@1', 'rows>c="y"@0', 'd=9@20'])
  expect(outputs).toEqual(['c="nully"@0', 'b="nullx"@1', 'a="1null"@1', 'a="2null"@1'])
})

test('joins a null key with null at once', async () => {
  expect(await run(joining('leftJoin'), ['=1@1', 'rows>="x"@1', '=@1'])).toEqual(['="1null"@1'])
  expect(await run(joining('outerJoin'), ['=1@1', 'rows>="x"@1', '=@1'])).toEqual(['="1null"@1', '="nullx"@1'])
})

test('emits a late record without a match at once, and joins one with a match', async () => {
  const windows = joinWindows(5, { grace: 10 })
  const outputs = await run(joining('leftJoin', windows), ['z=0@20', 'rows>a="x"@13', 'a=1@10', 'b=2@14'])
  expect(outputs).toEqual(['a="1x"@13', 'b="2null"@14'])
})

test('lets stream time pass with records that are dropped', async () => {
  expect(await run(joining('leftJoin'), ['a=1@0', '=2@50', 'a=@60', 'b=3@54', 'b=4@60'])).toEqual([
    '="2null"@50',
    'b="3null"@54',
    'a="1null"@0'
  ])
})

test('goes through repartition topics where keys may have changed', () => {
  const builder = new StreamsBuilder()
  const left = builder.stream('in', TEXT).selectKey(key => key, {})
  const right = builder.stream('rows', TEXT).selectKey(key => key)
  left.join(right, value => value, joinWindows(5), { name: 'near', ...TEXT, otherValue: TEXT.value })
  const topics = builder.build().subTopologies.flatMap(sub => sub.repartitionSources.map(({ suffix }) => suffix))
  expect(topics).toEqual(['near-left-repartition', 'near-right-repartition'])
})

test.each(['join', 'leftJoin', 'outerJoin'] as const)(
  '%s of a stream with itself is the same over one store',
  async op => {
    const records = ['a=1@10', 'a=2@12', 'b=3@12', 'a=4@11', '=5@12', 'a=@12', 'a=6@30', 'a=7@9', 'a=8@26']
    const outputs: string[][] = []
    for (const optimization of ['none', 'all'] as const) {
      const builder = new StreamsBuilder()
      const stream: { [name in Op]: (...args: unknown[]) => KStream<string, string> } = builder.stream(
        'in',
        TEXT
      ) as any
      const windows = joinWindows(5, { before: 2, grace: 3 })
      stream[op](stream, (left: any, right: any) => `${left}${right}`, windows).to('out', TEXT)
      const topology = builder.build({ optimization })
      expect(topology.subTopologies.flatMap(sub => sub.stores).filter(({ kind }) => kind === 'window')).toHaveLength(
        optimization === 'all' ? 1 : 2
      )
      await using driver = await TopologyTestDriver.open(topology)
      // Over one store, null keys and records too late to be stored give nothing, also in left and outer joins.
      for (const record of records) if (op === 'join' || !/^=|@9$/.test(record)) pipe(driver, record)
      outputs.push(read(driver))
    }
    expect(outputs[0]?.length).toBeGreaterThan(7)
    expect(outputs[1]).toEqual(outputs[0])
  }
)

test('waits for matches across a restart', async () => {
  const builder = new StreamsBuilder()
  joining('outerJoin')(builder)
  await using driver = await TopologyTestDriver.open(builder.build())
  pipe(driver, 'a=1@1')
  pipe(driver, 'a=2@1')
  pipe(driver, 'rows>b="x"@2')

  await driver.restart()
  pipe(driver, 'rows>a="y"@3')
  pipe(driver, 'z=9@50')
  expect(read(driver)).toEqual(['a="1y"@3', 'a="2y"@3', 'b="nullx"@2'])
})

test('refuses misuse while building, naming the node', () => {
  const builder = new StreamsBuilder()
  const left = builder.stream('in', TEXT)
  const right = builder.stream('rows', TEXT)
  expect(() => left.join(right, value => value, undefined as any)).toThrow(/join\(\) of two streams takes joinWindows/)
  expect(() => left.mapValues(value => value).join(right, value => value, joinWindows(5), { name: 'near' })).toThrow(
    /Node 'near-merge' needs a serde for the value/
  )
  expect(() => left.outerJoin(new StreamsBuilder().stream('rows', TEXT), value => value, joinWindows(5))).toThrow(
    /a stream of the same StreamsBuilder/
  )
  left.join(right, value => value, joinWindows(5), { store: 'near' })
  left.join(right, value => value, joinWindows(5), { store: 'near' })
  expect(() => builder.build()).toThrow(/Store 'near-this-join-store' is declared twice/)
})
