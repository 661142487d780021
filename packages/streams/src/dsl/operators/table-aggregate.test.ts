import { expect, test } from 'vitest'
import { run, TEXT } from '../test-support/run-topology.ts'

test('adds new rows and subtracts old ones, with and without a cache', async () => {
  for (const cacheBytes of [0, 100_000]) {
    const outputs = await run(
      builder =>
        builder
          .table('in', TEXT)
          .groupBy((_key, row) => [row.g, row.n], TEXT)
          .aggregate(
            () => 0,
            (_group, n, sum: number) => sum + n,
            (_group, n, sum) => sum - n,
            { value: TEXT.value }
          )
          .toStream()
          .to('out'),
      ['a={"g":"x","n":1}@1', 'b={"g":"x","n":2}@2', 'a={"g":"y","n":5}@3'],
      { cacheBytes }
    )
    const last = new Map(outputs.map(output => [output.split('=')[0], output.split('@')[0]]))
    expect([...last.values()].sort()).toEqual(['x=2', 'y=5'])
  }
})
