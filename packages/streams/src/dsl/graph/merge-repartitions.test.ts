import { describe, expect, test } from 'vitest'
import { TopologyTestDriver } from '@millrace/testing'
import type { StreamsBuilder } from '../streams-builder.ts'
import { StreamsBuilder as Builder } from '../streams-builder.ts'
import { pipe, TEXT } from '../test-support/run-topology.ts'
import type { BuildOptions } from './write-topology.ts'

function build(define: (builder: StreamsBuilder) => void, options: BuildOptions = { optimization: 'all' }) {
  const builder = new Builder()
  define(builder)
  return builder.build(options)
}

const repartitions = (topology: ReturnType<typeof build>) =>
  topology.subTopologies.flatMap(sub => sub.repartitionSources.map(({ suffix }) => suffix))

/** Rows of both stores after some records, whatever goes through which topic. */
async function rows(topology: ReturnType<typeof build>, stores: readonly string[]): Promise<unknown[]> {
  await using driver = await TopologyTestDriver.open(topology)
  for (const [index, record] of ['a=1', 'b=2', 'a=3', 'b=4', 'c=5'].entries()) pipe(driver, `${record}@${index}`)
  const found: unknown[] = []
  for (const name of stores) {
    for await (const { key, value } of driver
      .store<{ all(): AsyncIterable<{ key: string; value: { value: unknown } }> }>(name)
      .all()) {
      found.push([name, key, value.value])
    }
  }
  return found
}

const parity = (_key: string, value: number): string => (value % 2 === 0 ? 'even' : 'odd')
const twice = (builder: StreamsBuilder) => {
  const keyed = builder.stream('in', TEXT).selectKey(parity)
  keyed.groupByKey(TEXT).count({ store: 'counts' })
  keyed
    .filter((_key, value) => value > 1)
    .groupByKey(TEXT)
    .reduce((a, b) => a + b, { store: 'sums' })
}

test('lets two aggregations behind one new key share its topic, with the same rows', async () => {
  const none = build(twice, {})
  const all = build(twice)
  expect(repartitions(none)).toEqual(['counts-repartition', 'sums-repartition'])
  expect(repartitions(all)).toEqual(['counts-repartition'])
  expect(all.subTopologies).toHaveLength(2)
  expect(await rows(all, ['counts', 'sums'])).toEqual(await rows(none, ['counts', 'sums']))
  expect(await rows(all, ['sums'])).toEqual([
    ['sums', 'even', 6],
    ['sums', 'odd', 8]
  ])
})

test('moves what lies between the new key and a single aggregation behind the topic', () => {
  const topology = build(builder => {
    builder
      .stream('in', TEXT)
      .selectKey(parity)
      .filter(() => true, { name: 'between' })
      .groupByKey(TEXT)
      .count({ store: 'counts' })
  })
  expect(topology.subTopologies.map(sub => sub.nodes.some(({ name }) => name === 'between'))).toEqual([false, true])
})

describe('leaves apart', () => {
  test('what changes values before it is grouped', () => {
    const topology = build(builder => {
      const keyed = builder.stream('in', TEXT).selectKey(parity)
      keyed.groupByKey(TEXT).count({ store: 'counts' })
      keyed
        .mapValues(value => value * 2)
        .groupByKey(TEXT)
        .count({ store: 'others' })
    })
    expect(repartitions(topology)).toEqual(['counts-repartition', 'others-repartition'])
  })

  test('a repartition topic that was asked for', () => {
    const topology = build(builder => {
      const keyed = builder.stream('in', TEXT).selectKey(parity)
      keyed.repartition({ name: 'mine', ...TEXT }).to('out', TEXT)
      keyed.groupByKey(TEXT).count({ store: 'counts' })
    })
    expect(repartitions(topology).sort()).toEqual(['counts-repartition', 'mine-repartition'])
  })

  test('what lies below a processor of the user, which may give keys and values of other types', async () => {
    const define = (builder: StreamsBuilder) => {
      const processed = builder
        .stream('in', TEXT)
        .selectKey(parity)
        .process<string, number>(() => {
          let forward: (key: string, value: number) => void
          return {
            init: context => {
              forward = (key, value) => context.forward({ key, value, timestampMs: 0, headers: [] })
            },
            process: ({ key, value }) => forward(`${key} numbers`, value)
          }
        })
      processed.groupByKey(TEXT).count({ store: 'counts' })
      processed.groupByKey(TEXT).reduce((a, b) => a + b, { store: 'sums' })
    }
    expect(repartitions(build(define))).toEqual(['counts-repartition', 'sums-repartition'])
    expect(await rows(build(define), ['counts'])).toEqual([
      ['counts', 'even numbers', 2],
      ['counts', 'odd numbers', 3]
    ])
  })

  test('what a processor of the user forwards by the name of a child', async () => {
    const define = (builder: StreamsBuilder) => {
      const routed = builder.stream('in', TEXT).process<string, number>(() => ({
        init(context) {
          this.process = record => context.forward(record as never, 'left')
        },
        process() {}
      }))
      routed
        .filter(() => true, { name: 'left' })
        .groupByKey(TEXT)
        .count({ store: 'counts' })
    }
    expect(await rows(build(define), ['counts'])).toEqual([
      ['counts', 'a', 2],
      ['counts', 'b', 2],
      ['counts', 'c', 1]
    ])
  })
})

test('meets below a merge of streams that were re-keyed', async () => {
  const define = (builder: StreamsBuilder) => {
    const stream = builder.stream('in', TEXT)
    const merged = stream.selectKey(parity).merge(stream.selectKey(() => 'all'))
    merged.groupByKey(TEXT).count({ store: 'counts' })
    merged.groupByKey(TEXT).reduce((a, b) => a + b, { store: 'sums' })
  }
  expect(repartitions(build(define))).toEqual(['counts-repartition'])
  expect(await rows(build(define), ['counts', 'sums'])).toEqual(await rows(build(define, {}), ['counts', 'sums']))
})

test('keeps joins co-partitioned by the shared topic', () => {
  const define = (builder: StreamsBuilder) => {
    const keyed = builder.stream('in', TEXT).selectKey(parity)
    keyed.groupByKey(TEXT).count({ store: 'counts' })
    keyed.join(builder.table('rows', TEXT), (value, row) => [value, row], TEXT).to('out', TEXT)
  }
  const topology = build(define)
  expect(repartitions(topology)).toEqual(['counts-repartition'])
  expect(topology.subTopologies.flatMap(sub => sub.copartitionGroups.map(({ topics }) => topics))).toEqual([
    ['\u0001counts-repartition', 'rows']
  ])
})

test('refuses an optimization that does not exist', () => {
  const define = (builder: StreamsBuilder) => builder.stream('in', TEXT).to('out', TEXT)
  expect(() => build(define, { optimization: 'some' as never })).toThrow(/knows no optimization 'some'/)
  expect(() => build(define, { optimisation: 'all' } as never)).toThrow(/Did you mean 'optimization'/)
})

test('gives the processors of the DSL to the wrapper too', () => {
  const names: string[] = []
  build(
    builder =>
      builder
        .stream('in', TEXT)
        .filter(() => true, { name: 'kept' })
        .to('out', TEXT),
    {
      wrapProcessor: (name, supplier) => {
        names.push(name)
        return supplier
      }
    }
  )
  expect(names).toEqual(['kept'])
})
