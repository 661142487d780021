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
