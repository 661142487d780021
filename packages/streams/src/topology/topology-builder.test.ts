import { expect, test } from 'vitest'
import type { ProcessorSupplier } from '../core/index.ts'
import { string } from '../core/index.ts'
import type { StoreSpec } from './store-spec.ts'
import { INTERNAL_PREFIX } from './sub-topology.ts'
import { TopologyBuilder } from './topology-builder.ts'

const SERDES = { key: string(), value: string() }
const NOTHING: ProcessorSupplier<unknown, unknown, unknown, unknown> = () => ({ process() {} })

function store(name: string): StoreSpec {
  return {
    name,
    kind: 'key-value',
    ...SERDES,
    persistent: true,
    caching: false,
    changelog: { sourceTopic: undefined, topicConfig: {} },
    windowSizeMs: undefined,
    retentionMs: undefined
  }
}

test('numbers sub-topologies by their first nodes', () => {
  const topology = new TopologyBuilder()
    .addSource('a', { topics: 'x', ...SERDES })
    .addSource('b', { topics: 'y', ...SERDES })
    .addSink('a-out', { topic: 'out', ...SERDES }, ['a'])
    .build()
  expect(topology.subTopologies.map(({ id, nodes }) => [id, nodes.map(({ name }) => name)])).toEqual([
    [0, ['a', 'a-out']],
    [1, ['b']]
  ])
})

test('joins what shares a store into one sub-topology', () => {
  const topology = new TopologyBuilder()
    .addSource('a', { topics: 'x', ...SERDES })
    .addSource('b', { topics: 'y', ...SERDES })
    .addProcessor('pa', NOTHING, ['a'])
    .addProcessor('pb', NOTHING, ['b'])
    .addStateStore(store('shared'), ['pa', 'pb'])
    .build()
  expect(topology.subTopologies).toHaveLength(1)
  expect(topology.subTopologies[0]).toMatchObject({ sourceTopics: ['x', 'y'], stores: [{ name: 'shared' }] })
})

test('knows which sub-topology reads a repartition topic', () => {
  const topic = `${INTERNAL_PREFIX}by-user`
  const topology = new TopologyBuilder()
    .addSource('a', { topics: 'x', ...SERDES })
    .addInternalTopic({ suffix: 'by-user', partitionCount: 3 })
    .addSink('write', { topic, ...SERDES }, ['a'])
    .addSource('read', { topics: topic, ...SERDES })
    .build()
  expect(topology.subTopologies.map(({ sinkTopics, repartitionSources }) => [sinkTopics, repartitionSources])).toEqual([
    [[topic], []],
    [[], [{ suffix: 'by-user', partitionCount: 3 }]]
  ])
  expect(topology.describe()).toContain('Sink: write (topic: by-user)')
})

test('merges demands for equal partition counts that share a topic', () => {
  const builder = new TopologyBuilder()
  for (const name of ['a', 'b', 'c']) builder.addSource(name, { topics: `topic-${name}`, ...SERDES })
  builder.addProcessor('join', NOTHING, ['a', 'b', 'c'])
  const { subTopologies } = builder
    .copartitionSources('first', ['a', 'b'])
    .copartitionSources('second', ['b', 'c'])
    .build()
  expect(subTopologies[0]?.copartitionGroups).toEqual([{ node: 'first', topics: ['topic-a', 'topic-b', 'topic-c'] }])
})

test('demands equal partition counts of the topics of a pattern too', () => {
  const builder = new TopologyBuilder()
    .addSource('a', { topics: /a-.*/, ...SERDES })
    .addSource('b', { topics: 'b', ...SERDES })
    .addProcessor('join', NOTHING, ['a', 'b'])
    .copartitionSources('join', ['a', 'b'])
  const patterns = [expect.objectContaining({ source: expect.stringContaining('a-.*') })]
  expect(builder.build().subTopologies[0]?.copartitionGroups).toEqual([{ node: 'join', topics: ['b'], patterns }])
})

test('makes an input topic the changelog of a store', () => {
  const topology = new TopologyBuilder()
    .addSource('a', { topics: 'x', ...SERDES })
    .addProcessor('p', NOTHING, ['a'])
    .addStateStore(store('rows'), ['p'])
    .connectSourceStoreAndTopic('rows', 'x')
    .build()
  expect(topology.subTopologies[0]?.stores[0]?.changelog?.sourceTopic).toBe('x')
})

const source = () => new TopologyBuilder().addSource('a', { topics: 'x', ...SERDES })

test.each([
  ['no node at all', () => new TopologyBuilder().build(), 'TOPOLOGY_INVALID', /is empty/],
  [
    'a source without topics',
    () => new TopologyBuilder().addSource('a', { topics: [], ...SERDES }),
    'TOPOLOGY_INVALID',
    /'a' needs at least one topic/
  ],
  ['a name used twice', () => source().addProcessor('a', NOTHING, ['a']), 'TOPOLOGY_DUPLICATE_NAME', /called 'a'/],
  [
    'an illegal name',
    () => source().addProcessor('p q', NOTHING, ['a']),
    'TOPOLOGY_INVALID',
    /'p q' cannot be the name/
  ],
  [
    'an unknown parent',
    () => source().addProcessor('p', NOTHING, ['b']),
    'TOPOLOGY_UNKNOWN_NODE',
    /names 'b' as its parent/
  ],
  ['no parent', () => source().addSink('s', { topic: 'o', ...SERDES }, []), 'TOPOLOGY_INVALID', /at least one parent/],
  [
    'a sink as parent',
    () =>
      source()
        .addSink('s', { topic: 'o', ...SERDES }, ['a'])
        .addProcessor('p', NOTHING, ['s']),
    'TOPOLOGY_INVALID',
    /Sink 's' cannot be the parent of 'p'/
  ],
  [
    'a topic read twice',
    () => source().addSource('b', { topics: 'x', ...SERDES }),
    'TOPOLOGY_TOPIC_CONFLICT',
    /'a' and by 'b'/
  ],
  [
    'a pattern over a topic',
    () => source().addSource('b', { topics: /./, ...SERDES }),
    'TOPOLOGY_TOPIC_CONFLICT',
    /pattern/
  ],
  [
    'a topic under a pattern',
    () => new TopologyBuilder().addSource('b', { topics: /x+/, ...SERDES }).addSource('a', { topics: 'xx', ...SERDES }),
    'TOPOLOGY_TOPIC_CONFLICT',
    /'xx', read by 'a', also matches the pattern of 'b'/
  ],
  [
    'a serde that is null',
    () => new TopologyBuilder().addSource('a', { ...SERDES, topics: 'x', key: null as never }),
    'TOPOLOGY_SERDE_MISSING',
    /Source 'a' takes as 'key' a serde.*; not null/
  ],
  [
    'an unknown store',
    () => source().addProcessor('p', NOTHING, ['a']).connectProcessorAndStateStores('p', ['s']),
    'TOPOLOGY_UNKNOWN_STORE',
    /'s', asked for by 'p'/
  ],
  [
    'a store for a source',
    () => source().addStateStore(store('s'), ['a']),
    'TOPOLOGY_INVALID',
    /connected to the source 'a'/
  ],
  [
    'a store declared twice',
    () => source().addStateStore(store('s')).addStateStore(store('s')),
    'TOPOLOGY_DUPLICATE_STORE',
    /'s' is declared twice/
  ]
] as const)('refuses %s', (_name, build, code, message) => {
  expect(build).toThrow(message)
  expect(build).toThrow(expect.objectContaining({ code }))
})

test('a pattern that matches only part of a topic name is no conflict', () => {
  expect(() => source().addSource('b', { topics: /x-.*/, ...SERDES })).not.toThrow()
})

const GLOBAL = { ...SERDES, sourceName: 'gs', topic: 'g', processorName: 'gp', supplier: () => ({ process() {} }) }

test('keeps global stores apart, without changelog, and lets nothing be connected to them', () => {
  const builder = new TopologyBuilder()
    .addSource('a', { topics: 'x', ...SERDES })
    .addGlobalStore(store('rows'), GLOBAL)
    .addProcessor('p', NOTHING, ['a'])
  const { subTopologies, globalSubTopologies } = builder.build()
  expect(subTopologies.map(({ nodes }) => nodes.map(({ name }) => name))).toEqual([['a', 'p']])
  expect(globalSubTopologies).toMatchObject([{ id: 1, sourceTopics: ['g'], stores: [{ changelog: undefined }] }])
  expect(() => builder.connectProcessorAndStateStores('p', ['rows'])).toThrow(/Store 'rows' is global.*to 'p'/)
  expect(() => builder.addProcessor('q', NOTHING, ['gp'])).toThrow(/'gp' belongs to a global store.*parent of 'q'/)
  expect(() => builder.addSink('s', { topic: 'out', ...SERDES }, ['gs'])).toThrow(/'gs' belongs to a global store/)
})

test('restores a read-only store from the topic it is filled from', () => {
  const topology = new TopologyBuilder().addReadOnlyStateStore(store('rows'), GLOBAL).build()
  expect(topology.subTopologies[0]?.stores[0]?.changelog).toEqual({ sourceTopic: 'g', topicConfig: {} })
})

test('lets every supplier be wrapped, by name', () => {
  const wrapped: string[] = []
  const other: ProcessorSupplier<unknown, unknown, unknown, unknown> = () => ({ process() {} })
  const topology = new TopologyBuilder({
    wrapProcessor: (name, supplier) => {
      wrapped.push(name)
      return name === 'p' ? other : supplier
    }
  })
    .addSource('a', { topics: 'x', ...SERDES })
    .addProcessor('p', NOTHING, ['a'])
    .addProcessor('q', NOTHING, ['p'])
    .build()
  expect(wrapped).toEqual(['p', 'q'])
  expect(topology.subTopologies[0]?.nodes.slice(1)).toMatchObject([{ supplier: other }, { supplier: NOTHING }])
})

test('refuses a wrapper that gives no supplier, naming the node', () => {
  const builder = new TopologyBuilder({ wrapProcessor: () => undefined as never }).addSource('a', {
    topics: 'x',
    ...SERDES
  })
  expect(() => builder.addProcessor('p', NOTHING, ['a'])).toThrow(/wrapProcessor returned undefined for the node 'p'/)
  expect(() => new TopologyBuilder({ wrapProcessor: 1 as never })).toThrow(/wrapProcessor is no function/)
})
