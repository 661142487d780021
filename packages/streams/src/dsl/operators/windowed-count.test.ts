import { expect, test } from 'vitest'
import { tumbling } from '../../core/index.ts'
import { run, TEXT } from '../test-support/run-topology.ts'

test('counts records by key and window, those with a null value too', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .groupByKey()
        .windowedBy(tumbling(10))
        .count()
        .toStream()
        .map(({ key, startMs }, count) => [`${key}${startMs}`, count])
        .to('out', TEXT),
    ['a=1@1', 'a=@2', 'a=1@11']
  )
  expect(outputs).toEqual(['a0=1@1', 'a0=2@2', 'a10=1@11'])
})
