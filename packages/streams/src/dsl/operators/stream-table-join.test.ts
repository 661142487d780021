import { TopologyTestDriver } from '@millrace/testing'
import { expect, test } from 'vitest'
import { StreamsBuilder } from '../streams-builder.ts'
import { run, TEXT } from '../test-support/run-topology.ts'

const RECORDS = ['a=1@1', 'rows>a="x"@2', 'a=2@3', 'a=@4', '=3@5', 'rows>a=@6', 'a=4@7']

test('joins with the row of that moment and keeps the time of the record', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .join(builder.table('rows', TEXT), (value, row) => `${value}${row}`)
        .to('out', TEXT),
    RECORDS
  )
  expect(outputs).toEqual(['a="2x"@3'])
})

test('joins with null where there is no row, and for a null key, in a left join', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .leftJoin(builder.table('rows', TEXT), (value, row, key) => [key, value, row])
        .to('out', TEXT),
    RECORDS
  )
  expect(outputs).toEqual(['a=["a",1,null]@1', 'a=["a",2,"x"]@3', '=[null,3,null]@5', 'a=["a",4,null]@7'])
})

test('keeps null keys through the repartition topic of a left join', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .selectKey(key => key)
        .leftJoin(builder.table('rows', TEXT), (_value, row) => row, {
          key: TEXT.key
        })
        .to('out', TEXT),
    ['=1@1']
  )
  expect(outputs).toEqual(['=@1'])
})

test('demands equal partition counts of what it joins', () => {
  const builder = new StreamsBuilder()
  builder.stream('in', TEXT).join(builder.table('rows', TEXT), value => value, { name: 'with-rows' })
  expect(builder.build().subTopologies[0]?.copartitionGroups).toEqual([{ node: 'with-rows', topics: ['in', 'rows'] }])
})

test('refuses sides whose partition counts were fixed differently, naming both', () => {
  const builder = new StreamsBuilder()
  const rows = builder.stream('b', TEXT).repartition({ name: 'right', partitionCount: 4 }).toTable()
  builder
    .stream('a', TEXT)
    .repartition({ name: 'left', partitionCount: 3 })
    .join(rows, value => value)
  expect(() => builder.build()).toThrow(/'left-repartition' and 'right-repartition' .* at 3 and 4/)
})

/** Joins with a table that remembers. */
function remembering(op: 'join' | 'leftJoin', options = {}): (builder: StreamsBuilder) => void {
  return builder => {
    const rows = builder.table('rows', { ...TEXT, historyRetention: 100 })
    const stream = builder.stream('in', TEXT)
    const joined =
      op === 'join'
        ? stream.join(rows, (value, row) => `${value}${row}`, options)
        : stream.leftJoin(rows, (value, row) => `${value}${row}`, options)
    joined.to('out', TEXT)
  }
}

test('looks a versioned table up as of the record, also through a filter that is not stored', async () => {
  const records = ['rows>a="x"@10', 'rows>a="y"@20', 'a=1@15', 'a=2@20', 'a=3@5', 'rows>a=@12', 'a=4@15']
  expect(await run(remembering('join'), records)).toEqual(['a="1x"@15', 'a="2y"@20'])
  expect(await run(remembering('leftJoin'), records)).toEqual(['a="1x"@15', 'a="2y"@20', 'a="3null"@5', 'a="4null"@15'])
  const filtered = await run(builder => {
    const rows = builder
      .table('rows', { ...TEXT, historyRetention: 100 })
      .filter((_key, row) => row !== 'y')
      .mapValues(row => `${row}!`)
    builder
      .stream('in', TEXT)
      .leftJoin(rows, (_value, row) => row)
      .to('out', TEXT)
  }, records)
  expect(filtered).toEqual(['a="x!"@15', 'a=@20', 'a=@5', 'a=@15'])
})

test('lets records wait for the grace, and joins later ones at once', async () => {
  const outputs = await run(remembering('leftJoin', { grace: 10 }), [
    'b=1@10',
    'a=2@10',
    'a=3@5',
    'rows>a="x"@4',
    'a=4@0',
    'c=5@20',
    'a=6@9',
    '=7@30',
    'a=@40'
  ])
  // The fourth is at the bound: it waits for nothing. Null keys wait for no row; dropped records do not advance the time.
  expect(outputs).toEqual(['a="4null"@0', 'a="3x"@5', 'a="2x"@10', 'b="1null"@10', 'a="6x"@9', '="7null"@30'])
})

test('keeps the headers of a record that waited', async () => {
  const builder = new StreamsBuilder()
  remembering('leftJoin', { grace: 10, name: 'late' })(builder)
  await using driver = await TopologyTestDriver.open(builder.build())
  const input = driver.inputTopic('in', TEXT)
  input.pipe('a', 1, 10, [
    ['h', Buffer.from('first')],
    ['n', null]
  ])
  input.pipe('a', 2, 20)
  const [record] = driver.outputTopic('out', TEXT).readRecords()
  expect(record?.headers.map(([name, bytes]) => [name, bytes === null ? null : Buffer.from(bytes).toString()])).toEqual(
    [
      ['h', 'first'],
      ['n', null]
    ]
  )
})

test('refuses a grace that the table does not remember, naming the node', () => {
  const builder = new StreamsBuilder()
  const stream = builder.stream('in', TEXT)
  const join = (history: object, grace: any) => () =>
    stream.join(builder.table('rows', { ...TEXT, ...history }), value => value, { name: 'late', grace })
  expect(join({}, 10)).toThrow(/Node 'late' joins with a grace of 10 ms. That takes a versioned table/)
  expect(join({ historyRetention: 9 }, 10)).toThrow(/The table remembers only 9 ms/)
  expect(join({ historyRetention: 9 }, -1)).toThrow(/A grace cannot be negative/)
  expect(() => builder.table('rows', { ...TEXT, historyRetention: -1 })).toThrow(/negative history retention, -1 ms/)
})
