import { TopologyTestDriver } from '@millrace/testing'
import { describe, expect, test } from 'vitest'
import type { KeyValueStore, Processor, ProcessorContext, StreamRecord } from '../../core/index.ts'
import { json, string } from '../../core/index.ts'
import { keyValueStore } from '../../topology/index.ts'
import { StreamsBuilder } from '../streams-builder.ts'
import { pipe, read, run, TEXT } from '../test-support/run-topology.ts'

type Step = (
  record: StreamRecord<string, any>,
  context: ProcessorContext<any, any>,
  store: KeyValueStore<string, number>
) => void

/** Does one thing with each record; `store` is its store, if it has one. */
function stepping(step: Step, store?: string): () => Processor<string, any, any, any> {
  return () => {
    let context: ProcessorContext<any, any>
    return {
      init(given) {
        context = given
      },
      process(record) {
        step(record, context, store === undefined ? (undefined as never) : context.getStateStore(store))
      }
    }
  }
}

const counts = keyValueStore('counts', { key: string(), value: json<number>() })
const counting = stepping(({ key, timestampMs, headers }, context, store) => {
  const count = (store.get(key) ?? 0) + 1
  store.put(key, count)
  context.forward({ key, value: count, timestampMs, headers })
}, 'counts')

test('forwards what the processor forwards, under any key and time', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .process<string, number>(
          stepping(({ value, timestampMs }, context) => {
            for (let i = 0; i < value; i++)
              context.forward({ key: `k${i}`, value: i, timestampMs: timestampMs + i, headers: [] })
          })
        )
        .to('out', TEXT),
    ['a=2@10', '=1@5']
  )
  expect(outputs).toEqual(['k0=0@10', 'k1=1@11', 'k0=0@5'])
})

describe('a store', () => {
  test('that was added is shared by the processors that name it', async () => {
    const outputs = await run(
      builder => {
        builder.addStateStore(counts)
        const stream = builder.stream('in', TEXT)
        stream.process<string, number>(counting, { stores: ['counts'] }).to('out', TEXT)
        stream.process<string, number>(counting, { stores: ['counts'], name: 'second' }).to('out', TEXT)
      },
      ['a=0@1', 'a=0@2']
    )
    expect(outputs).toEqual(['a=1@1', 'a=2@1', 'a=3@2', 'a=4@2'])
  })

  test('that comes with its processor needs not be added', async () => {
    const outputs = await run(
      builder =>
        builder
          .stream('in', TEXT)
          .process<string, number>(counting, { stores: [counts] })
          .to('out', TEXT),
      ['a=0@1', 'a=0@2']
    )
    expect(outputs).toEqual(['a=1@1', 'a=2@2'])
  })

  test('gives its changelog the time of the record in work, not of the one that came in', async () => {
    const builder = new StreamsBuilder()
    builder
      .stream('in', TEXT)
      .process<string, number>(
        stepping(({ key, value, timestampMs, headers }, context, store) => {
          context.forward({ key, value, timestampMs: timestampMs + 100, headers })
          store.put('outer', 1)
        }, 'outer'),
        { stores: [keyValueStore('outer', { key: string(), value: json<number>() })] }
      )
      .process(counting, { stores: [counts] })
    await using driver = await TopologyTestDriver.open(builder.build())
    pipe(driver, 'a=1@7')
    expect(read(driver, 'test-counts-changelog')).toEqual(['a=1@107'])
    expect(read(driver, 'test-outer-changelog')).toEqual(['outer=1@7'])
  })

  test('that was not added is named, with the processor', () => {
    const builder = new StreamsBuilder()
    builder.stream('in', TEXT).process(counting, { stores: ['counts'], name: 'counter' })
    expect(() => builder.build()).toThrow(/Store 'counts', asked for by 'counter', was not added/)
  })

  test('that was added but not named with the processor cannot be got', async () => {
    const builder = new StreamsBuilder().addStateStore(counts)
    builder.stream('in', TEXT).process(counting, { name: 'counter' })
    await using driver = await TopologyTestDriver.open(builder.build())
    expect(() => pipe(driver, 'a=1@1')).toThrow(/Node 'counter' asked for the store 'counts', which is not connected/)
  })

  test('is refused when another one has its name', () => {
    const builder = new StreamsBuilder().addStateStore(counts)
    builder.stream('in', TEXT).process(counting, { stores: [{ ...counts }], name: 'counter' })
    expect(() => builder.build()).toThrow(/Store 'counts' is declared twice/)
  })
})

test('puts a repartition topic before what groups its result', () => {
  const builder = new StreamsBuilder()
  builder
    .stream('in', TEXT)
    .process<string, number>(counting, { stores: [counts] })
    .groupByKey(TEXT)
    .count()
  expect(builder.build().subTopologies).toHaveLength(2)
})

test.each([-1, Number.NaN, undefined])('refuses to forward the time %s', async timestampMs => {
  const topology = (builder: StreamsBuilder) =>
    builder.stream('in', TEXT).process(
      stepping((record, context) => context.forward({ ...record, timestampMs: timestampMs as number })),
      { name: 'shift' }
    )
  await expect(run(topology, ['a=1@1'])).rejects.toMatchObject({
    code: 'RECORD_PROCESS_FAILED',
    cause: { code: 'RECORD_TIMESTAMP_INVALID', details: { node: 'shift' } }
  })
})

test('refuses what is no function', () => {
  expect(() => new StreamsBuilder().stream('in', TEXT).process({} as never)).toThrow(/process\(\) takes a function/)
})
