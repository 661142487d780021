import { checkOptions, StreamsError } from '../../core/index.ts'
import {
  INTERNAL_PREFIX,
  type SinkOptions,
  type SourceOptions,
  type Topology,
  TopologyBuilder,
  type TopologyBuilderOptions
} from '../../topology/index.ts'
import { RepartitionFilter } from '../operators/repartition-filter.ts'
import type { DslGraph } from './dsl-graph.ts'
import type { GraphNode, Repartition, Sink, SourceSerdes, TableSource } from './graph-node.ts'
import { joinInOneStore } from './join-in-one-store.ts'
import { mergeRepartitions } from './merge-repartitions.ts'
import { mergeSources } from './merge-sources.ts'
import { reuseSourceTopics } from './reuse-source-topics.ts'

/** How a topology is built. */
export interface BuildOptions extends TopologyBuilderOptions {
  /**
   * `all`: streams that were re-keyed once share a repartition topic, and the topic of a table is the changelog of its
   * store; a stream that is joined with itself is stored once. Changing it renames topics: reset the application.
   * Default `none`.
   *
   * @see Kafka Streams `topology.optimization`
   */
  readonly optimization?: 'none' | 'all' | undefined
}

/**
 * Turns the logical graph into a topology: passes first, then node by node.
 *
 * @see Kafka Streams `InternalStreamsBuilder#buildAndOptimizeTopology`
 */
export function writeTopology(source: DslGraph, options: BuildOptions = {}): Topology {
  checkOptions('build()', options, ['optimization', 'wrapProcessor'])
  const { optimization = 'none', ...rest } = options
  if (optimization !== 'none' && optimization !== 'all') {
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `build() knows no optimization '${String(optimization)}'. Choose 'none' or 'all'.`
    )
  }
  const graph = source.copy()
  mergeSources(graph.root)
  if (optimization === 'all') {
    reuseSourceTopics(graph)
    mergeRepartitions(graph)
    joinInOneStore(graph)
  }

  const builder = new TopologyBuilder(rest)
  for (const node of inWritingOrder(graph.root)) writeNode(node, builder)
  for (const { node, sources } of graph.copartitioned) builder.copartitionSources(node, [...sources])
  return withGeneratedNames(builder.build(), source.names)
}

function withGeneratedNames(topology: Topology, names: DslGraph['names']): Topology {
  const kept = topology.subTopologies.flatMap(sub => [
    ...sub.stores.map(({ name }) => name),
    ...sub.repartitionSources.map(({ suffix }) => suffix)
  ])
  return { ...topology, generatedNames: new Set(kept.filter(name => names.isGenerated(name))) }
}

/** Always the node with the lowest priority among those whose parents are written. */
function inWritingOrder(root: GraphNode): GraphNode[] {
  const written = new Set([root])
  const order: GraphNode[] = []
  const ready = new Set(root.children)
  while (ready.size > 0) {
    let next: GraphNode | undefined
    for (const node of ready) if (next === undefined || node.buildPriority < next.buildPriority) next = node
    const node = next as GraphNode
    ready.delete(node)
    written.add(node)
    order.push(node)
    for (const child of node.children) {
      if (!written.has(child) && [...child.parents].every(parent => written.has(parent))) ready.add(child)
    }
  }
  return order
}

function writeNode(node: GraphNode, builder: TopologyBuilder): void {
  const { name, logical } = node
  const parents = [...node.parents].map(parent => parent.name)
  switch (logical.kind) {
    case 'root':
      return
    case 'state-store':
      builder.addStateStore(logical.store)
      return
    case 'stream-source':
      builder.addSource(name, consumed(logical, logical.topics))
      return
    case 'table-source':
      writeTableSource(name, logical, builder)
      return
    case 'global-table-source':
      builder.addGlobalStore(logical.store, {
        ...logical,
        processorName: name
      })
      return
    case 'processor':
      builder.addProcessor(name, logical.supplier, parents)
      // Its own stores first: `describe()` shows the order of names whose hashes meet.
      for (const store of logical.stores?.() ?? []) builder.addStateStore(store, [name])
      builder.connectProcessorAndStateStores(name, logical.connected ?? [])
      return
    case 'processor-group':
      for (const step of logical.steps) builder.addProcessor(step.name, step.supplier, step.parents)
      for (const step of logical.steps) builder.connectProcessorAndStateStores(step.name, step.connected ?? [])
      for (const { spec, processors } of logical.stores()) builder.addStateStore(spec, processors)
      return
    case 'sink':
      if (typeof logical.topic === 'string' && logical.topic.startsWith(INTERNAL_PREFIX)) {
        builder.addInternalTopic({ suffix: logical.topic.slice(INTERNAL_PREFIX.length), partitionCount: undefined })
      }
      builder.addSink(name, written(logical), parents)
      return
    case 'repartition':
      writeRepartition(node, logical, parents, builder)
  }
}

function consumed(
  { key, value, timestampExtractor, offsetReset }: SourceSerdes,
  topics: SourceOptions<any, any>['topics']
): SourceOptions<any, any> {
  return { topics, key, value, timestampExtractor, offsetReset }
}

function written({ topic, key, value, partitioner }: Omit<Sink, 'kind'>): SinkOptions<any, any> {
  return { topic, key, value, partitioner }
}

function writeTableSource(name: string, source: TableSource, builder: TopologyBuilder): void {
  builder.addSource(source.sourceName, consumed(source, source.topic))
  builder.addProcessor(name, source.supplier, [source.sourceName])
  const store = source.store()
  if (store === undefined) return
  builder.addStateStore(store, [name])
  if (source.reusesTopic && store.changelog !== undefined) builder.connectSourceStoreAndTopic(store.name, source.topic)
}

function writeRepartition(node: GraphNode, spec: Repartition, parents: string[], builder: TopologyBuilder): void {
  const topic = INTERNAL_PREFIX + spec.suffix
  builder.addInternalTopic({ suffix: spec.suffix, partitionCount: spec.partitionCount })
  let writers = parents
  if (spec.filterName !== undefined) {
    const dropsNullKeys = !reachesNullKeyJoin(node)
    builder.addProcessor(spec.filterName, () => new RepartitionFilter(dropsNullKeys), parents)
    writers = [spec.filterName]
  }
  builder.addSink(spec.sinkName, written({ ...spec, topic }), writers)
  builder.addSource(node.name, { topics: topic, key: spec.key, value: spec.value })
}

function reachesNullKeyJoin(node: GraphNode, seen = new Set<GraphNode>()): boolean {
  if (seen.has(node)) return false
  seen.add(node)
  return [...node.children].some(child => child.traits.takesNullKeys === true || reachesNullKeyJoin(child, seen))
}
