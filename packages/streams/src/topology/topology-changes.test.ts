import { describe, expect, test } from 'vitest'
import { int64, json, string } from '../core/index.ts'
import { joinWindows, StreamsBuilder, tumbling } from '../index.ts'
import { stateIdentities } from './state-identity.ts'
import { keyValueStore } from './stores.ts'
import type { Topology } from './sub-topology.ts'
import { TopologyBuilder } from './topology-builder.ts'
import { describeTopologyChanges, topologyChanges } from './topology-changes.ts'

const TEXT = { key: string(), value: string() }
type Define = (builder: StreamsBuilder) => unknown

function built(define: Define): Topology {
  const builder = new StreamsBuilder()
  define(builder)
  return builder.build()
}

/** What is refused when `after` starts on what `before` left in Kafka: `kind: old name -> new name`. */
function changes(before: Topology | Define, after: Topology | Define): string[] {
  const [old, now] = [before, after].map(given => stateIdentities(typeof given === 'function' ? built(given) : given))
  const left = new Map(old?.map(identity => [identity.topic, identity]))
  return topologyChanges(left, now ?? [], topic => !left.has(topic)).map(
    change => `${change.kind}: ${change.before.name} -> ${change.now.name}`
  )
}

const count = (builder: StreamsBuilder, topic: string, store?: string) =>
  builder
    .stream(topic, TEXT)
    .groupByKey()
    .count(store === undefined ? {} : { store })

describe('with generated names', () => {
  test('an operator that takes the number of another is noticed', () => {
    const one = (builder: StreamsBuilder) => void count(builder, 'b')
    const two = (builder: StreamsBuilder) => {
      count(builder, 'a')
      count(builder, 'b')
    }
    expect(changes(two, one)).toEqual([
      'mixed-up: KSTREAM-AGGREGATE-STATE-STORE-0000000001 -> KSTREAM-AGGREGATE-STATE-STORE-0000000001'
    ])
  })

  test('a store that begins anew under another number is noticed', () => {
    const filtered = (builder: StreamsBuilder) =>
      builder
        .stream('a', TEXT)
        .filter(() => true)
        .groupByKey()
        .count()
    expect(changes(builder => count(builder, 'a'), filtered)).toEqual([
      'left-behind: KSTREAM-AGGREGATE-STATE-STORE-0000000001 -> KSTREAM-AGGREGATE-STATE-STORE-0000000002'
    ])
  })

  test('branches of one stream are told apart by the operators on the way', () => {
    const branches = (first: boolean) => (builder: StreamsBuilder) => {
      const stream = builder.stream('a', TEXT)
      if (first)
        stream
          .filter(() => true)
          .groupByKey()
          .count()
      stream
        .mapValues(value => value)
        .groupByKey()
        .count()
    }
    expect(changes(branches(true), branches(false))).toHaveLength(1)
    expect(changes(branches(true), branches(true))).toEqual([])
  })

  test('a store behind a repartition topic is traced to the topics of users, and so is the topic', () => {
    const keyed = (topic: string) => (builder: StreamsBuilder) =>
      builder
        .stream(topic, TEXT)
        .groupBy((_key, value) => value, { key: string() })
        .count()
    const name = 'KSTREAM-AGGREGATE-STATE-STORE-0000000002'
    expect(changes(keyed('a'), keyed('b'))).toEqual(
      [`mixed-up: ${name}-repartition -> ${name}-repartition`, `mixed-up: ${name} -> ${name}`].sort()
    )
    expect(changes(keyed('a'), keyed('a'))).toEqual([])
  })

  test('a join is known by both of its inputs', () => {
    const joined = (other: string, store?: string) => (builder: StreamsBuilder) =>
      builder
        .stream('a', TEXT)
        .leftJoin(builder.stream(other, TEXT), (a, b) => a + b, joinWindows('5m'), store === undefined ? {} : { store })
    expect(changes(joined('b'), joined('c'))).toHaveLength(3)
    expect(changes(joined('b'), joined('b'))).toEqual([])
    expect(changes(joined('b', 'j'), joined('c', 'j'))).toEqual([])
  })
})

describe('is accepted', () => {
  const first = (builder: StreamsBuilder) => void count(builder, 'a')

  test('the same topology with other functions', () => {
    const filtered = (keeps: boolean) => (builder: StreamsBuilder) =>
      builder
        .stream('a', TEXT)
        .filter(() => keeps)
        .groupByKey()
        .count()
    expect(changes(filtered(true), filtered(false))).toEqual([])
  })

  test('an operator below a store, and a store behind the last', () => {
    const more = (builder: StreamsBuilder) => {
      count(builder, 'a')
        .toStream()
        .filter(() => true)
        .to('out', { key: string(), value: int64() })
      count(builder, 'a')
      count(builder, 'b')
    }
    expect(changes(first, more)).toEqual([])
    expect(changes(more, first)).toEqual([])
  })

  test('another operator that uses the store of a table', () => {
    const joined = (joins: boolean) => (builder: StreamsBuilder) => {
      const users = builder.table('users', TEXT)
      if (joins) builder.stream('clicks', TEXT).join(users, (click, user) => click + user)
    }
    expect(changes(joined(false), joined(true))).toEqual([])
    expect(changes(joined(true), joined(false))).toEqual([])
  })

  test('a name that an operator on the way is given', () => {
    const filtered = (name?: string) => (builder: StreamsBuilder) =>
      builder
        .stream('a', TEXT)
        .filter(() => true, name === undefined ? {} : { name })
        .groupByKey()
        .count()
    expect(changes(filtered(), filtered('evens'))).toEqual([])
    expect(changes(filtered('evens'), filtered())).toEqual([])
  })

  test('stores with names in another order, with other operators before them', () => {
    const before = (builder: StreamsBuilder) => {
      count(builder, 'a', 'as')
      count(builder, 'b', 'bs')
    }
    const after = (builder: StreamsBuilder) => {
      count(builder, 'b', 'bs')
      builder
        .stream('a', TEXT)
        .merge(builder.stream('c', TEXT))
        .mapValues(value => value)
        .groupByKey()
        .count({ store: 'as' })
    }
    expect(changes(before, after)).toEqual([])
  })

  test('a generated name that is given from now on, to keep its state', () => {
    const kept = (builder: StreamsBuilder) =>
      builder
        .stream('a', TEXT)
        .filter(() => true)
        .groupByKey()
        .count({ store: 'KSTREAM-AGGREGATE-STATE-STORE-0000000001' })
    expect(changes(first, kept)).toEqual([])
  })

  test('a name that a store is given in place of the generated one: it was asked for', () => {
    expect(changes(first, builder => count(builder, 'a', 'counts'))).toEqual([])
  })
})

describe('with given names', () => {
  test('inputs of which none is left are noticed', () => {
    expect(
      changes(
        builder => count(builder, 'a', 's'),
        builder => count(builder, 'b', 's')
      )
    ).toEqual(['mixed-up: s -> s'])
    expect(
      changes(
        builder => count(builder, 'a', 's'),
        builder => builder.stream(/[a-z]/, TEXT).groupByKey().count({ store: 's' })
      )
    ).toEqual([])
  })

  test('another kind, another window size and another serde are noticed', () => {
    const windowed = (size: string) => (builder: StreamsBuilder) =>
      builder
        .stream('a', TEXT)
        .groupByKey()
        .windowedBy(tumbling(size as '5m'))
        .count({ store: 's' })
    const reduced = (builder: StreamsBuilder) =>
      builder
        .stream('a', TEXT)
        .groupByKey()
        .reduce((a, b) => a + b, { store: 's' })
    expect(changes(windowed('5m'), windowed('5m'))).toEqual([])
    expect(changes(windowed('5m'), windowed('10m'))).toEqual(['mixed-up: s -> s'])
    expect(changes(builder => count(builder, 'a', 's'), windowed('5m'))).toEqual(['mixed-up: s -> s'])
    expect(changes(builder => count(builder, 'a', 's'), reduced)).toEqual(['mixed-up: s -> s'])
  })

  test('a store of the processor API is known by all that feed it', () => {
    const made = (topic: string) =>
      new TopologyBuilder()
        .addSource('in', { topics: topic, ...TEXT })
        .addProcessor('work', () => ({ process() {} }), ['in'])
        .addStateStore(keyValueStore('seen', { key: string(), value: json() }))
        .connectProcessorAndStateStores('work', ['seen'])
        .build()
    expect(changes(made('a'), made('a'))).toEqual([])
    expect(changes(made('a'), made('b'))).toEqual(['mixed-up: seen -> seen'])
  })
})

test('only what is kept in an internal topic is compared', () => {
  const unlogged = (topic: string) => (builder: StreamsBuilder) =>
    builder.stream(topic, TEXT).groupByKey().count({ store: 's', changelog: false })
  expect(stateIdentities(built(unlogged('a')))).toEqual([])
  const table = new StreamsBuilder()
  table.table('t', { ...TEXT, store: 's' })
  expect(stateIdentities(table.build({ optimization: 'all' }))).toEqual([])
  expect(stateIdentities(table.build()).map(({ topic }) => topic)).toEqual(['s-changelog'])
})

test('both versions are described side by side', () => {
  const [before] = stateIdentities(built(builder => count(builder, 'a')))
  const [now] = stateIdentities(
    built(builder => builder.stream('b', TEXT).groupByKey().windowedBy(tumbling('5m')).count({ store: 's' }))
  )
  if (before === undefined || now === undefined) throw new Error('Both have a store.')
  expect(describeTopologyChanges([{ kind: 'mixed-up', before, now }])).toBe(
    "  store 's' would be taken for something else:\n" +
      '    was timestamped-key-value <string, int64>, from a: KSTREAM-SOURCE > KSTREAM-AGGREGATE\n' +
      '    is  timestamped-window <string, int64>, windows of 300000 ms, from b: KSTREAM-SOURCE > KSTREAM-AGGREGATE'
  )
})
