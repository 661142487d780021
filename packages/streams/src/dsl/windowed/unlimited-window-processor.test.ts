import { expect, test } from 'vitest'
import { unlimited } from '../../core/index.ts'
import { run } from '../test-support/run-topology.ts'
import { windowLists } from '../test-support/windowed-lists.ts'

test('puts all records of a key into one window, in any order', async () => {
  expect(await run(windowLists(unlimited()), ['a=1@1000000', 'a=2@5', 'b=@7'])).toEqual([
    'a:0-max=[1]@1000000',
    'a:0-max=[1,2]@1000000',
    'b:0-max=[null]@7'
  ])
})

test('leaves out what comes before the start, and null keys', async () => {
  expect(await run(windowLists(unlimited({ startMs: 5 })), ['a=1@4', '=1@9', 'a=2@5'])).toEqual(['a:5-max=[2]@5'])
})
