import { expect, test } from 'vitest'
import { sliding } from '../../core/index.ts'
import { run, TEXT } from '../test-support/run-topology.ts'
import { windowLists, windowText } from '../test-support/windowed-lists.ts'

test('makes a window for every set of records that are at most the difference apart', async () => {
  expect(await run(windowLists(sliding(10)), ['a=1@20', 'a=2@25', 'a=3@40'])).toEqual([
    'a:10-20=[1]@20',
    'a:21-31=[2]@25',
    'a:15-25=[1,2]@25',
    'a:30-40=[3]@40'
  ])
})

test('puts an out-of-order record into the windows that hold it and makes its right window', async () => {
  expect(await run(windowLists(sliding(10, { grace: 50 })), ['a=1@30', 'a=2@25'])).toEqual([
    'a:20-30=[1]@30',
    'a:20-30=[1,2]@30',
    'a:15-25=[2]@25',
    'a:26-36=[1]@30'
  ])
})

test('makes no window that starts below 0: early records share the first', async () => {
  expect(await run(windowLists(sliding(10)), ['a=1@3', 'a=2@7'])).toEqual([
    'a:0-10=[1]@3',
    'a:4-14=[2]@7',
    'a:0-10=[1,2]@7'
  ])
})

test('drops null keys and null values, which advance no time', async () => {
  expect(await run(windowLists(sliding(10)), ['=1@100', 'a=@100', 'a=1@20'])).toEqual(['a:10-20=[1]@20'])
})

test('takes records until a window ended before stream time - grace', async () => {
  const records = ['a=1@100', 'b=2@85', 'b=3@84']
  expect(await run(windowLists(sliding(10, { grace: 5 })), records)).toEqual(['a:90-100=[1]@100'])
  expect(await run(windowLists(sliding(10, { grace: 15 })), records)).toEqual([
    'a:90-100=[1]@100',
    'b:75-85=[2]@85',
    // Its left window has ended, those that hold it have not.
    'b:75-85=[2,3]@85',
    'b:85-95=[2]@85'
  ])
})

test('gives the same windows whatever the order in which records come', async () => {
  const records = ['a=1@20', 'a=2@24', 'a=3@24', 'a=4@31', 'a=5@36']
  const finals = async (texts: string[]) => {
    const last = new Map<string, string>()
    for (const output of await run(windowLists(sliding(10, { grace: 100 })), texts)) {
      const [key, list] = output.split(/[=@]/) as [string, string]
      last.set(key, JSON.stringify((JSON.parse(list) as number[]).sort()))
    }
    return [...last].sort()
  }
  const expected = await finals(records)
  expect(expected.length).toBeGreaterThan(5)
  for (let turn = 1; turn < records.length; turn++) {
    expect(await finals([...records.slice(turn), ...records.slice(0, turn)])).toEqual(expected)
  }
  expect(await finals(records.toReversed())).toEqual(expected)
})

test('deletes a window whose aggregate is null', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .groupByKey()
        .windowedBy(sliding(10))
        .reduce((a, b) => (a + b === 0 ? null : a + b))
        .toStream(windowText)
        .to('out', TEXT),
    ['a=1@20', 'a=-1@20']
  )
  expect(outputs).toEqual(['a:10-20=1@20', 'a:10-20=@20'])
})
