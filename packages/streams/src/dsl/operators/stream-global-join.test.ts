import { describe, expect, test } from 'vitest'
import { StreamsBuilder } from '../streams-builder.ts'
import { run, TEXT } from '../test-support/run-topology.ts'

const RECORDS = [
  'in>a={"row":"x"}@1',
  'rows>x=10@9',
  'in>a={"row":"x"}@2',
  'in>={"row":"x"}@3',
  'in>a={}@4',
  'in>a=@5',
  'rows>x=@1',
  'in>a={"row":"x"}@6'
]

test('joins with the row of the selected key, whatever the key of the record', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .join(
          builder.globalTable('rows', TEXT),
          (_key, value) => value.row,
          (value, row, key) => [key, value.row, row]
        )
        .to('out', TEXT),
    RECORDS
  )
  expect(outputs).toEqual(['a=["a","x",10]@2', '=[null,"x",10]@3'])
})

test('joins with null where there is no row or no selected key, in a left join', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .leftJoin(
          builder.globalTable('rows', TEXT),
          (_key, value) => value.row,
          (_value, row) => row
        )
        .to('out', TEXT),
    RECORDS
  )
  expect(outputs).toEqual(['a=@1', 'a=10@2', '=10@3', 'a=@4', 'a=@6'])
})

test('needs no repartition topic, before or after a new key', () => {
  const builder = new StreamsBuilder()
  builder
    .stream('in', TEXT)
    .selectKey((_key, value) => value.row as string)
    .join(
      builder.globalTable('rows', TEXT),
      key => key,
      value => value
    )
    .to('out', TEXT)
  expect(builder.build().subTopologies).toHaveLength(1)
})

describe('refuses', () => {
  test('a selector that is no function', () => {
    const builder = new StreamsBuilder()
    const rows = builder.globalTable('rows', TEXT)
    expect(() => builder.stream('in', TEXT).join(rows, undefined as never, (value: unknown) => value)).toThrow(
      /join\(\) takes a function as key selector/
    )
  })

  test('a table of another builder', () => {
    const rows = new StreamsBuilder().globalTable('rows', TEXT)
    const stream = new StreamsBuilder().stream('in', TEXT)
    expect(() =>
      stream.join(
        rows,
        key => key,
        value => value
      )
    ).toThrow(/same StreamsBuilder/)
  })
})
