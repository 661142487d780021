import { expect, test } from 'vitest'
import { run, TEXT } from '../test-support/run-topology.ts'

test('calls the function for each record, in order', async () => {
  const seen: unknown[] = []
  await run(builder => builder.stream('in', TEXT).foreach(key => seen.push(key)), ['a=1@1', 'b=1@0'])
  expect(seen).toEqual(['a', 'b'])
})
