import { TopologyTestDriver } from '@millrace/testing'
import { expect, test } from 'vitest'
import type { Processor, ProcessorContext, StreamRecord } from '../../core/index.ts'
import { StreamsBuilder } from '../streams-builder.ts'
import { pipe, run, TEXT } from '../test-support/run-topology.ts'

function forwarding(
  change: (record: StreamRecord<string, any>) => StreamRecord<string, any>
): () => Processor<string, any, string, any> {
  return () => {
    let context: ProcessorContext<string, any>
    return {
      init(given) {
        context = given
      },
      process: record => context.forward(change(record))
    }
  }
}

test('forwards other values under the same key, null too', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .processValues<number>(forwarding(record => ({ ...record, value: record.value + 1 })))
        .to('out', TEXT),
    ['a=1@1', '=2@2']
  )
  expect(outputs).toEqual(['a=2@1', '=3@2'])
})

test('needs no repartition topic before what groups its result', () => {
  const builder = new StreamsBuilder()
  builder
    .stream('in', TEXT)
    .processValues<number>(forwarding(record => record))
    .groupByKey({ value: TEXT.value })
    .count()
  expect(builder.build().subTopologies).toHaveLength(1)
})

test('refuses another key, naming the node', async () => {
  const topology = (builder: StreamsBuilder) =>
    builder.stream('in', TEXT).processValues(
      forwarding(record => ({ ...record, key: 'b' })),
      { name: 'wrong' }
    )
  await expect(run(topology, ['a=1@1'])).rejects.toMatchObject({
    code: 'PROCESSOR_KEY_CHANGED',
    message: expect.stringContaining("Node 'wrong' forwarded under another key")
  })
})

test('refuses to forward from a punctuation, which has no key', async () => {
  const builder = new StreamsBuilder()
  builder.stream('in', TEXT).processValues(() => {
    let last: StreamRecord<string, any> | undefined
    return {
      init(context) {
        context.schedule(10, 'wall-clock', () => {
          if (last !== undefined) context.forward(last)
        })
      },
      process(record) {
        last = record
      }
    }
  })
  await using driver = await TopologyTestDriver.open(builder.build())
  pipe(driver, 'a=1@1')
  expect(() => driver.advanceWallClock(10)).toThrow(/forwarded while no record was in work/)
})
