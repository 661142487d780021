import { StreamsError } from '../core/index.ts'
import {
  changelogTopicName,
  INTERNAL_PREFIX,
  resolveTopicName,
  type StoreSpec,
  type SubTopology,
  type Topology
} from '../topology/index.ts'
import { topologyTopicName } from './topology-record.ts'

/** An internal topic that has to exist, with what it must be like. */
export interface InternalTopic {
  readonly name: string
  readonly partitionCount: number
  readonly configs: Readonly<Record<string, string>>
  /** What decides the partition count, for error messages. */
  readonly because: string
}

/** What a topology needs of the cluster, once the partition counts of the user's topics are known. */
export interface TopicPlan {
  /** Input topics of each sub-topology with their partition counts, internal ones included. */
  readonly inputs: ReadonlyMap<number, ReadonlyMap<string, number>>
  readonly repartitionTopics: readonly InternalTopic[]
  readonly changelogTopics: readonly InternalTopic[]
  /** Topics of global stores with their partition counts: every instance reads all of them. */
  readonly globalTopics: ReadonlyMap<string, number>
}

/** Retention of a windowed changelog beyond the store's own, as in Kafka Streams. */
const CHANGELOG_ADDITIONAL_RETENTION_MS = 24 * 60 * 60 * 1000

/** Input topics that the user has to provide, by name; those matched by patterns among `allTopics`. */
export function userInputTopics(topology: Topology, allTopics: Iterable<string>): Set<string> {
  const names = new Set<string>()
  const patterns: RegExp[] = []
  for (const sub of [...topology.subTopologies, ...topology.globalSubTopologies]) {
    for (const topic of sub.sourceTopics) if (!topic.startsWith(INTERNAL_PREFIX)) names.add(topic)
    patterns.push(...sub.sourcePatterns)
  }
  if (patterns.length > 0) {
    for (const topic of allTopics) if (patterns.some(pattern => pattern.test(topic))) names.add(topic)
  }
  return names
}

/**
 * Settles the partition counts of all internal topics.
 *
 * @param partitionCounts - of the user's input topics that exist.
 * @param internalTopicConfigs - of all internal topics, unless a store says otherwise.
 * @throws StreamsError `TOPIC_MISSING` naming all that are missing; `TOPOLOGY_NOT_COPARTITIONED` naming both sides.
 */
export function planTopics(
  topology: Topology,
  applicationId: string,
  partitionCounts: ReadonlyMap<string, number>,
  internalTopicConfigs: Readonly<Record<string, string>> = {}
): TopicPlan {
  assertInputsExist(topology, partitionCounts)
  const counts = new Map(partitionCounts)
  const internal = ownInternalTopics(topology, applicationId)
  const repartitionTopics = settleRepartitionCounts(topology, applicationId, counts, internal).map(topic => ({
    ...topic,
    configs: { ...topic.configs, ...internalTopicConfigs }
  }))

  const inputs = new Map<number, ReadonlyMap<string, number>>()
  const changelogTopics: InternalTopic[] = []
  for (const sub of topology.subTopologies) {
    const topics = inputsOf(sub, applicationId, counts, internal)
    inputs.set(sub.id, new Map(topics.map(topic => [topic, counts.get(topic) as number])))
    const partitionCount = Math.max(0, ...topics.map(topic => counts.get(topic) as number))
    for (const store of sub.stores) {
      if (store.changelog === undefined || store.changelog.sourceTopic !== undefined) continue
      changelogTopics.push({
        name: changelogTopicName(store.name, applicationId),
        partitionCount,
        configs: changelogConfigs(store, internalTopicConfigs),
        because: `sub-topology ${sub.id} reads ${topics.map(topic => `'${topic}' (${counts.get(topic)})`).join(', ')}`
      })
    }
  }
  const globalTopics = topology.globalSubTopologies.flatMap(sub => sub.sourceTopics)
  return {
    inputs,
    repartitionTopics,
    changelogTopics,
    globalTopics: new Map(globalTopics.map(topic => [topic, counts.get(topic) as number]))
  }
}

function inputsOf(
  sub: SubTopology,
  applicationId: string,
  counts: ReadonlyMap<string, number>,
  internal: ReadonlySet<string>
): string[] {
  const names = new Set(sub.sourceTopics.map(topic => resolveTopicName(topic, applicationId)))
  for (const topic of matching(sub.sourcePatterns, counts, internal)) names.add(topic)
  return [...names].sort()
}

function matching(
  patterns: readonly RegExp[],
  counts: ReadonlyMap<string, number>,
  internal: ReadonlySet<string>
): string[] {
  if (patterns.length === 0) return []
  return [...counts.keys()].filter(topic => !internal.has(topic) && patterns.some(pattern => pattern.test(topic)))
}

/** What an application keeps for itself may happen to match a pattern, which is about the topics of users. */
export function ownInternalTopics(topology: Topology, applicationId: string): Set<string> {
  const names = new Set([topologyTopicName(applicationId)])
  for (const sub of topology.subTopologies) {
    for (const store of sub.stores) names.add(changelogTopicName(store.name, applicationId))
    for (const { suffix } of sub.repartitionSources) names.add(`${applicationId}-${suffix}`)
  }
  return names
}

function assertInputsExist(topology: Topology, counts: ReadonlyMap<string, number>): void {
  const missing: string[] = []
  for (const sub of [...topology.subTopologies, ...topology.globalSubTopologies]) {
    for (const topic of sub.sourceTopics) {
      if (!topic.startsWith(INTERNAL_PREFIX) && !counts.has(topic)) missing.push(topic)
    }
  }
  if (missing.length === 0) return
  const names = [...new Set(missing)].sort()
  throw new StreamsError(
    'TOPIC_MISSING',
    `The topology reads ${names.map(name => `'${name}'`).join(', ')}, which the brokers do not have. Create ${names.length === 1 ? 'it' : 'them'} first: input topics are never created automatically.`,
    { details: { topics: names } }
  )
}

/** Fills `counts` with the repartition topics'. A topic without a fixed count gets the largest of its writers' inputs. */
function settleRepartitionCounts(
  topology: Topology,
  applicationId: string,
  counts: Map<string, number>,
  internal: ReadonlySet<string>
): InternalTopic[] {
  const writers = (name: string) =>
    topology.subTopologies
      .filter(sub => sub.sinkTopics.some(topic => resolveTopicName(topic, applicationId) === name))
      .flatMap(sub => inputsOf(sub, applicationId, counts, internal))
  const specs = topology.subTopologies.flatMap(sub => sub.repartitionSources)
  const fixed = new Set<string>()
  for (const spec of specs) {
    if (spec.partitionCount === undefined) continue
    const name = `${applicationId}-${spec.suffix}`
    counts.set(name, spec.partitionCount)
    fixed.add(name)
  }

  // Writers may themselves read repartition topics: each round settles those whose writers' inputs are all known.
  const open = new Set(specs.map(spec => `${applicationId}-${spec.suffix}`).filter(name => !counts.has(name)))
  const settle = (mayBePartly: boolean): boolean => {
    for (const name of open) {
      const inputs = writers(name)
      const known = inputs.flatMap(topic => counts.get(topic) ?? [])
      if (known.length < inputs.length && !(mayBePartly && known.length > 0)) continue
      counts.set(name, Math.max(1, ...known))
      open.delete(name)
      return true
    }
    return false
  }
  // The two topics of a foreign-key join wait for each other: then what is known has to do, as in Kafka Streams.
  while (settle(false) || settle(true));
  if (open.size > 0) {
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `The partition count of ${[...open].map(name => `'${name}'`).join(', ')} depends on itself. Fix it with repartition({ partitionCount }).`
    )
  }

  for (const sub of topology.subTopologies) {
    for (const group of sub.copartitionGroups) {
      equalise(
        group.node,
        [
          ...group.topics.map(topic => resolveTopicName(topic, applicationId)),
          ...matching(group.patterns ?? [], counts, internal)
        ],
        counts,
        name => specs.some(spec => `${applicationId}-${spec.suffix}` === name) && !fixed.has(name)
      )
    }
  }

  return specs.map(spec => {
    const name = `${applicationId}-${spec.suffix}`
    return {
      name,
      partitionCount: counts.get(name) as number,
      configs: {
        'cleanup.policy': 'delete',
        // Purged below committed offsets instead; an instance that is away for long must not lose records.
        'retention.ms': '-1',
        'message.timestamp.type': 'CreateTime'
      },
      because: fixed.has(name)
        ? 'the topology fixes it'
        : `it is written from ${writers(name)
            .map(topic => `'${topic}' (${counts.get(topic)})`)
            .join(', ')}`
    }
  })
}

/** Topics of one join must have equal counts; free repartition topics follow the fixed ones. */
function equalise(
  node: string,
  topics: readonly string[],
  counts: Map<string, number>,
  isFree: (topic: string) => boolean
): void {
  // Of a pattern that matches nothing yet.
  if (topics.length === 0) return
  const bound = topics.filter(topic => !isFree(topic))
  const [first, ...others] = bound
  for (const other of others) {
    if (counts.get(other) !== counts.get(first as string)) {
      throw new StreamsError(
        'TOPOLOGY_NOT_COPARTITIONED',
        `Node '${node}' joins '${first}' (${counts.get(first as string)} partitions) with '${other}' (${counts.get(other)} partitions). ` +
          'Equal keys would be in different tasks. Give both topics the same number of partitions, or repartition one side.',
        {
          details: {
            node,
            left: first,
            leftPartitionCount: counts.get(first as string),
            right: other,
            rightPartitionCount: counts.get(other)
          }
        }
      )
    }
  }
  const count =
    first === undefined ? Math.max(...topics.map(topic => counts.get(topic) as number)) : (counts.get(first) as number)
  for (const topic of topics) counts.set(topic, count)
}

function changelogConfigs(
  store: StoreSpec,
  internalTopicConfigs: Readonly<Record<string, string>>
): Record<string, string> {
  const windowed = store.retentionMs !== undefined
  return {
    'cleanup.policy': windowed ? 'compact,delete' : 'compact',
    ...(windowed ? { 'retention.ms': String(store.retentionMs + CHANGELOG_ADDITIONAL_RETENTION_MS) } : {}),
    // Past versions are in the older records of a key.
    ...(store.historyRetentionMs === undefined
      ? {}
      : { 'min.compaction.lag.ms': String(store.historyRetentionMs + CHANGELOG_ADDITIONAL_RETENTION_MS) }),
    'message.timestamp.type': 'CreateTime',
    ...internalTopicConfigs,
    ...store.changelog?.topicConfig
  }
}
