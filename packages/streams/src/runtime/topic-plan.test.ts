import { describe, expect, test } from 'vitest'
import { INTERNAL_PREFIX, type SubTopology, type Topology } from '../topology/index.ts'
import { planTopics } from './topic-plan.ts'

function subTopology(overrides: Partial<SubTopology> & { readonly id: number }): SubTopology {
  return {
    nodes: [],
    stores: [],
    sourceTopics: [],
    sourcePatterns: [],
    sinkTopics: [],
    repartitionSources: [],
    copartitionGroups: [],
    ...overrides
  }
}

const topology = (...subTopologies: SubTopology[]): Topology => ({
  subTopologies,
  globalSubTopologies: [],
  describe: () => ''
})
const store = {
  name: 'counts',
  kind: 'timestamped-key-value' as const,
  key: {} as never,
  value: {} as never,
  persistent: true,
  caching: false,
  changelog: { sourceTopic: undefined, topicConfig: {} },
  windowSizeMs: undefined,
  retentionMs: undefined
}

describe('partition counts', () => {
  test('settles topics that wait for each other by what is known, as the two of a foreign-key join', () => {
    const [there, back] = [`${INTERNAL_PREFIX}there`, `${INTERNAL_PREFIX}back`]
    const plan = planTopics(
      topology(
        subTopology({
          id: 0,
          sourceTopics: ['left', back],
          sinkTopics: [there],
          repartitionSources: [{ suffix: 'back', partitionCount: undefined }],
          copartitionGroups: [{ node: 'resolve', topics: ['left', back] }]
        }),
        subTopology({
          id: 1,
          sourceTopics: ['right', there],
          sinkTopics: [back],
          repartitionSources: [{ suffix: 'there', partitionCount: undefined }],
          copartitionGroups: [{ node: 'receive', topics: ['right', there] }]
        })
      ),
      'app',
      new Map([
        ['left', 3],
        ['right', 5]
      ])
    )
    expect(plan.repartitionTopics.map(({ name, partitionCount }) => [name, partitionCount])).toEqual([
      ['app-back', 3],
      ['app-there', 5]
    ])
  })

  test('gives a repartition topic the largest count of its writers, through several hops', () => {
    const plan = planTopics(
      topology(
        subTopology({ id: 0, sourceTopics: ['a', 'b'], sinkTopics: [`${INTERNAL_PREFIX}one-repartition`] }),
        subTopology({
          id: 1,
          sourceTopics: [`${INTERNAL_PREFIX}one-repartition`],
          repartitionSources: [{ suffix: 'one-repartition', partitionCount: undefined }],
          sinkTopics: [`${INTERNAL_PREFIX}two-repartition`]
        }),
        subTopology({
          id: 2,
          sourceTopics: [`${INTERNAL_PREFIX}two-repartition`],
          repartitionSources: [{ suffix: 'two-repartition', partitionCount: undefined }],
          stores: [store]
        })
      ),
      'app',
      new Map([
        ['a', 3],
        ['b', 5]
      ])
    )
    expect(plan.repartitionTopics.map(topic => [topic.name, topic.partitionCount])).toEqual([
      ['app-one-repartition', 5],
      ['app-two-repartition', 5]
    ])
    expect(plan.changelogTopics).toEqual([
      expect.objectContaining({
        name: 'app-counts-changelog',
        partitionCount: 5,
        configs: expect.objectContaining({ 'cleanup.policy': 'compact' })
      })
    ])
  })

  test('keeps a fixed count', () => {
    const plan = planTopics(
      topology(
        subTopology({ id: 0, sourceTopics: ['a'], sinkTopics: [`${INTERNAL_PREFIX}r`] }),
        subTopology({
          id: 1,
          sourceTopics: [`${INTERNAL_PREFIX}r`],
          repartitionSources: [{ suffix: 'r', partitionCount: 2 }]
        })
      ),
      'app',
      new Map([['a', 9]])
    )
    expect(plan.repartitionTopics[0]?.partitionCount).toBe(2)
  })

  test('lets a free repartition topic follow the topic it is joined with', () => {
    const plan = planTopics(
      topology(
        subTopology({ id: 0, sourceTopics: ['a'], sinkTopics: [`${INTERNAL_PREFIX}r`] }),
        subTopology({
          id: 1,
          sourceTopics: [`${INTERNAL_PREFIX}r`, 'table'],
          repartitionSources: [{ suffix: 'r', partitionCount: undefined }],
          copartitionGroups: [{ node: 'JOIN', topics: [`${INTERNAL_PREFIX}r`, 'table'] }]
        })
      ),
      'app',
      new Map([
        ['a', 2],
        ['table', 6]
      ])
    )
    expect(plan.repartitionTopics[0]?.partitionCount).toBe(6)
  })

  test('names both sides of a join whose counts differ', () => {
    const joined = subTopology({
      id: 0,
      sourceTopics: ['a', 'b'],
      copartitionGroups: [{ node: 'KSTREAM-JOIN-0000000003', topics: ['a', 'b'] }]
    })
    expect(() =>
      planTopics(
        topology(joined),
        'app',
        new Map([
          ['a', 4],
          ['b', 3]
        ])
      )
    ).toThrowError(/'KSTREAM-JOIN-0000000003'.*'a' \(4 partitions\).*'b' \(3 partitions\)/)
  })

  test('gives a repartition topic the largest count of the topics that match a pattern of its writers', () => {
    const plan = planTopics(
      topology(
        subTopology({ id: 0, sourceTopics: ['z'], sourcePatterns: [/^a-.*$/], sinkTopics: [`${INTERNAL_PREFIX}r`] }),
        subTopology({
          id: 1,
          sourceTopics: [`${INTERNAL_PREFIX}r`],
          repartitionSources: [{ suffix: 'r', partitionCount: undefined }]
        })
      ),
      'a-app',
      new Map([
        ['z', 1],
        ['a-1', 2],
        ['a-2', 6]
      ])
    )
    // Not from itself, although it matches too.
    const because = "it is written from 'a-1' (2), 'a-2' (6), 'z' (1)"
    expect(plan.repartitionTopics).toMatchObject([{ name: 'a-app-r', partitionCount: 6, because }])
  })

  test('demands equal counts of topics that match the pattern of a join', () => {
    const joined = subTopology({
      id: 0,
      sourceTopics: ['table'],
      sourcePatterns: [/^a-.*$/],
      copartitionGroups: [{ node: 'JOIN', topics: ['table'], patterns: [/^a-.*$/] }]
    })
    const plan = (...counts: [string, number][]) => planTopics(topology(joined), 'app', new Map(counts))
    expect(() => plan(['table', 2], ['a-1', 2], ['a-2', 3])).toThrow(/'JOIN'.*'table' \(2 .*'a-2' \(3 /)
    expect(plan(['table', 2], ['a-1', 2], ['b', 3]).inputs.get(0)).toEqual(
      new Map([
        ['a-1', 2],
        ['table', 2]
      ])
    )
    expect(plan(['table', 2]).inputs.get(0)).toEqual(new Map([['table', 2]]))
  })

  test('names all topics that are missing', () => {
    expect(() =>
      planTopics(topology(subTopology({ id: 0, sourceTopics: ['x', 'y', 'z'] })), 'app', new Map([['y', 1]]))
    ).toThrowError(/'x', 'z'/)
  })

  test('compacts changelogs of versioned stores a day after their history has passed', () => {
    const plan = planTopics(
      topology(
        subTopology({
          id: 0,
          sourceTopics: ['a'],
          stores: [{ ...store, kind: 'versioned-key-value', historyRetentionMs: 5000 }]
        })
      ),
      'app',
      new Map([['a', 1]])
    )
    expect(plan.changelogTopics[0]?.configs).toMatchObject({
      'cleanup.policy': 'compact',
      'min.compaction.lag.ms': String(86_400_000 + 5000)
    })
  })

  test('keeps windowed changelogs a day longer than their store', () => {
    const plan = planTopics(
      topology(
        subTopology({
          id: 0,
          sourceTopics: ['a'],
          stores: [{ ...store, kind: 'timestamped-window', windowSizeMs: 1000, retentionMs: 5000 }]
        })
      ),
      'app',
      new Map([['a', 1]])
    )
    expect(plan.changelogTopics[0]?.configs).toMatchObject({
      'cleanup.policy': 'compact,delete',
      'retention.ms': '86405000'
    })
  })
})
