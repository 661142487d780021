import { expect, test } from 'vitest'
import { tumbling } from '../../core/index.ts'
import { run, TEXT } from '../test-support/run-topology.ts'

test('takes the first value of a window as it is and combines the others', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .groupByKey()
        .windowedBy(tumbling(10))
        .reduce((a, b) => a * b)
        .toStream()
        .map(({ key, startMs }, product) => [`${key}${startMs}`, product])
        .to('out', TEXT),
    ['a=3@1', 'a=4@2', 'a=5@11']
  )
  expect(outputs).toEqual(['a0=3@1', 'a0=12@2', 'a10=5@11'])
})
