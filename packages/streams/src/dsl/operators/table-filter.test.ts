import { expect, test } from 'vitest'
import { tumbling } from '../../core/index.ts'
import { run, TEXT } from '../test-support/run-topology.ts'

test('deletes a row that stops fitting, and forwards deletions without end while old values are unknown', async () => {
  const outputs = await run(
    builder =>
      builder
        .table('in', TEXT)
        .filter((_key, value) => value > 1)
        .toStream()
        .to('out'),
    ['a=1@1', 'a=2@2', 'a=1@3', 'a=0@4']
  )
  expect(outputs).toEqual(['a=@1', 'a=2@2', 'a=@3', 'a=@4'])
})

test('forwards a deletion only of a row that was there when the table above is stored', async () => {
  const outputs = await run(
    builder =>
      builder
        .table('in', { ...TEXT, store: 'rows' })
        .filter((_key, value) => value > 1)
        .toStream()
        .to('out'),
    ['a=1@1', 'a=2@2', 'a=1@3', 'a=0@4']
  )
  expect(outputs).toEqual(['a=2@2', 'a=@3'])
})

test('keeps what does not fit with filterNot, in a store of its own', async () => {
  const outputs = await run(
    builder =>
      builder
        .table('in', TEXT)
        .filterNot((_key, value) => value > 1, { store: 'low' })
        .toStream()
        .to('out'),
    ['a=1@1', 'b=2@2']
  )
  expect(outputs).toEqual(['a=1@1', 'b=@2'])
})

test('stores the windows that fit under windowed keys', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .groupByKey()
        .windowedBy(tumbling(10))
        .count()
        .filter((_key, n) => n > 1, { store: 'many' })
        .toStream()
        .map(({ key, startMs, endMs }, n) => [`${key}:${startMs}-${endMs}`, n])
        .to('out', TEXT),
    ['a=1@1', 'a=1@2', 'a=1@11']
  )
  expect(outputs).toEqual(['a:0-10=2@2'])
})

test('is looked up through the table above when it has no store', async () => {
  const outputs = await run(
    builder => {
      const rows = builder.table('rows', TEXT).filter((_key, value) => value > 1)
      builder
        .stream('in', TEXT)
        .leftJoin(rows, (value, row) => [value, row])
        .to('out', { value: TEXT.value })
    },
    ['rows>a=1@1', 'rows>b=2@1', 'a=7@2', 'b=8@3']
  )
  expect(outputs).toEqual(['a=[7,null]@2', 'b=[8,2]@3'])
})
