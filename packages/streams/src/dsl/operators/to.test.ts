import { TopologyTestDriver } from '@millrace/testing'
import { expect, test } from 'vitest'
import { murmur2Partition, string, windowedKey } from '../../core/index.ts'
import { StreamsBuilder } from '../streams-builder.ts'
import { pipe, read, run, TEXT } from '../test-support/run-topology.ts'

test('writes null values as tombstones', async () => {
  expect(await run(builder => builder.stream('in', TEXT).to('out'), ['a=@1'])).toEqual(['a=@1'])
})

test('asks a function for the topic of each record', async () => {
  const builder = new StreamsBuilder()
  builder.stream('in', TEXT).to((_key, value) => `out-${value}`)
  await using driver = await TopologyTestDriver.open(builder.build())
  pipe(driver, 'a=1@1')
  pipe(driver, 'b=2@2')
  expect([read(driver, 'out-1'), read(driver, 'out-2')]).toEqual([['a=1@1'], ['b=2@2']])
})

test('partitions windowed keys by the key inside, so that all windows of a key meet', () => {
  const builder = new StreamsBuilder()
  builder.stream('in', { key: windowedKey(string()), value: string() }).to('out')
  const sink = builder.build().subTopologies[0]?.nodes.find(node => node.kind === 'sink')
  const partition = sink?.kind === 'sink' && sink.partitioner?.('out', { key: 'a', startMs: 5, endMs: 9 }, null, 17)
  expect(partition).toBe(murmur2Partition(Buffer.from('a'), 17))
})

test('refuses an illegal topic name and a misspelt option', () => {
  const stream = new StreamsBuilder().stream('in', TEXT)
  expect(() => stream.to('no such:topic')).toThrow(/'no such:topic' cannot be the name of a topic/)
  const options = { partitoner: () => 0 }
  expect(() => stream.to('out', options as object)).toThrow(
    /to\(\) has no option 'partitoner'. Did you mean 'partitioner'\?/
  )
})
