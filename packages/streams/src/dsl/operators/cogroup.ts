import {
  type Change,
  type Processor,
  type Serde,
  type SessionWindows,
  StreamsError,
  type Windowed
} from '../../core/index.ts'
import type { StoreSpec } from '../../topology/index.ts'
import { checkFunction } from '../add-step.ts'
import type { DslGraph } from '../graph/dsl-graph.ts'
import { GraphNode, type NodeTraits } from '../graph/graph-node.ts'
import {
  type AggregateOptions,
  checkMaterialized,
  keyValueHandle,
  keyValueStore,
  type MaterializedOptions,
  storeName,
  type WindowAggregateOptions,
  windowStore
} from '../materialized.ts'
import { PassThrough } from '../pass-through.ts'
import { repartitionNode } from '../repartition-node.ts'
import { resolveSerde } from '../resolve-serde.ts'
import type { GroupedStreamHandle } from '../stream-handle.ts'
import { storeReader } from '../table/store-reader.ts'
import type { TableView } from '../table/table-view.ts'
import type { AnyStoreHandle, TableHandle } from '../table-handle.ts'
import { windowKind } from '../windowed/window-kind.ts'
import { AggregateProcessor, AggregateView, type Aggregator, type KeyValueHandle } from './aggregate.ts'
import type { Merger } from './session-aggregate.ts'
import type { HandleOfWindows, SessionHandle, WindowHandle } from './windowed-aggregate.ts'
import { checkWindows, type FixedWindows } from './windowed-by.ts'

/** A grouped stream and what adds its values to the common aggregate. */
interface CogroupedPart<K, A> {
  readonly grouped: GroupedStreamHandle<K, any>
  readonly aggregator: Aggregator<K, any, A>
}

export interface CogroupedHandle<K, A> {
  readonly parts: readonly CogroupedPart<K, A>[]
  /** Repartition topics made so far: several aggregations of the same streams share them. */
  readonly repartitions: Map<GroupedStreamHandle<K, any>, GraphNode>
}

export interface WindowedCogroupedHandle<K, A, W extends FixedWindows | SessionWindows> {
  readonly cogrouped: CogroupedHandle<K, A>
  readonly windows: W
}

/** Documented at `KGroupedStream.cogroup`. */
export function cogroup<K, V, A>(
  grouped: GroupedStreamHandle<K, V>,
  aggregator: Aggregator<K, V, A>
): CogroupedHandle<K, A> {
  checkFunction('cogroup', 'aggregator', aggregator)
  return { parts: [{ grouped, aggregator }], repartitions: new Map() }
}

/** Documented at `CogroupedKStream.cogroup`. */
export function addCogroup<K, V, A>(
  { parts, repartitions }: CogroupedHandle<K, A>,
  grouped: GroupedStreamHandle<K, V>,
  aggregator: Aggregator<K, V, A>
): CogroupedHandle<K, A> {
  checkFunction('cogroup', 'aggregator', aggregator)
  if (parts[0]?.grouped.upstream.graph !== grouped.upstream.graph) {
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      'cogroup() takes a grouped stream of the same StreamsBuilder; this one is of another.'
    )
  }
  const added = { grouped, aggregator }
  return parts.some(part => part.grouped === grouped)
    ? { parts: parts.map(part => (part.grouped === grouped ? added : part)), repartitions }
    : { parts: [...parts, added], repartitions }
}

/** Documented at `CogroupedKStream.aggregate`. */
export function cogroupedAggregate<K, A>(
  handle: CogroupedHandle<K, A>,
  initializer: () => A,
  options: AggregateOptions<K, A>
): TableHandle<K, A, KeyValueHandle<K, A>> {
  checkMaterialized('aggregate()', options)
  checkFunction('aggregate', 'initializer', initializer)
  return addCogrouped(handle, options, (store, key, value) => {
    const spec = keyValueStore(store, key, value, options)
    const view = new AggregateView<K, A>(storeReader(store), spec.historyRetentionMs)
    return {
      store: spec,
      view,
      key,
      processor: aggregator => new AggregateProcessor(store, initializer, aggregator, view.sendsOldValues),
      handle: keyValueHandle(spec)
    }
  })
}

/** Documented at `CogroupedKStream.windowedBy`. */
export function cogroupedWindowedBy<K, A, W extends FixedWindows | SessionWindows>(
  cogrouped: CogroupedHandle<K, A>,
  windows: W
): WindowedCogroupedHandle<K, A, W> {
  checkWindows(windows)
  return { cogrouped, windows }
}

/** Documented at `TimeWindowedCogroupedKStream.aggregate`. */
export function windowedCogroupedAggregate<K, A>(
  handle: WindowedCogroupedHandle<K, A, FixedWindows>,
  initializer: () => A,
  options: WindowAggregateOptions<K, A>
): TableHandle<Windowed<K>, A, WindowHandle<K, A>> {
  return addWindowedCogrouped(handle, initializer, () => null, options)
}

/** Documented at `SessionWindowedCogroupedKStream.aggregate`. */
export function sessionCogroupedAggregate<K, A>(
  handle: WindowedCogroupedHandle<K, A, SessionWindows>,
  initializer: () => A,
  merger: Merger<K, A>,
  options: WindowAggregateOptions<K, A>
): TableHandle<Windowed<K>, A, SessionHandle<K, A>> {
  checkFunction('aggregate', 'merger', merger)
  return addWindowedCogrouped(handle, initializer, merger, options)
}

function addWindowedCogrouped<K, A, W extends FixedWindows | SessionWindows>(
  { cogrouped, windows }: WindowedCogroupedHandle<K, A, W>,
  initializer: () => A,
  merger: (key: K, one: A, other: A) => A | null,
  options: WindowAggregateOptions<K, A>
): TableHandle<Windowed<K>, A, HandleOfWindows<W, K, A>> {
  checkMaterialized('aggregate()', options, true)
  checkFunction('aggregate', 'initializer', initializer)
  const kind = windowKind(windows, 'onWindowUpdate')
  return addCogrouped(cogrouped, options, (store, key, value) => {
    const view = new AggregateView<Windowed<K>, A>(kind.reader(store))
    return {
      store: windowStore(store, key, value, kind.store, options),
      view,
      key: kind.keySerde(key),
      processor: aggregator => kind.processor(store, { initializer, aggregator, merger }, view.sendsOldValues),
      handle: { name: store, kind: kind.store.kind } as HandleOfWindows<W, K, A>,
      traits: { windowCloseDelayMs: kind.closeDelayMs }
    }
  })
}

/** What the streams have in common once the store has its name and its serdes. */
interface CommonAggregation<K, KR, A, H> {
  readonly store: StoreSpec
  readonly view: TableView<KR, A>
  readonly key: Serde<KR>
  processor(aggregator: Aggregator<K, any, A>): Processor<K, any, KR, Change<A>>
  readonly handle: H
  readonly traits?: NodeTraits
}

const PREFIX = 'COGROUPKSTREAM-AGGREGATE-'

/**
 * One node for each stream, over one store, and one that brings their results together.
 *
 * @see Kafka Streams `CogroupedStreamAggregateBuilder#build`
 */
function addCogrouped<K, KR, A, H extends AnyStoreHandle>(
  handle: CogroupedHandle<K, A>,
  options: MaterializedOptions<K, A>,
  make: (store: string, key: Serde<K>, value: Serde<A>) => CommonAggregation<K, KR, A, H>
): TableHandle<KR, A, H> {
  const { parts } = handle
  const { graph } = (parts[0] as CogroupedPart<K, A>).grouped.upstream
  const { name, isNamed } = storeName(graph, options, PREFIX)
  const upstreamKey = parts.map(part => part.grouped.upstream.key).find(serde => serde !== undefined)
  const key = resolveSerde<K>('key', options.key, upstreamKey, name, 'aggregate()')
  const value = resolveSerde<A>('value', options.value, undefined, name, 'aggregate()')
  const aggregation = make(name, key, value)

  const inputs = parts.map(part => inputOf(handle, part.grouped, graph, name))
  const sources = new Set(inputs.flatMap(input => [...input.sources]))
  const nodes = parts.map(({ aggregator }, index) => {
    const nodeName = graph.names.suffixedOrGenerate(options.name, `-cogroup-agg-${index}`, PREFIX)
    const supplier = () => aggregation.processor(aggregator)
    const stores = index === 0 ? [aggregation.store] : []
    const connected = index === 0 ? [] : [name]
    const step = { kind: 'processor', supplier, stores: () => stores, connected } as const
    return graph.add(new GraphNode(nodeName, step, aggregation.traits), (inputs[index] as Input).node)
  })
  const mergeName = graph.names.suffixedOrGenerate(options.name, '-cogroup-merge', 'COGROUPKSTREAM-MERGE-')
  if (inputs.length > 1) graph.copartitioned.push({ node: mergeName, sources })
  const node = new GraphNode(mergeName, { kind: 'processor', supplier: () => new PassThrough() })
  graph.add(node, ...nodes)
  const { view, key: rowKey } = aggregation
  return { graph, node, key: rowKey, value, sources, view, store: isNamed ? aggregation.handle : undefined }
}

interface Input {
  readonly node: GraphNode
  readonly sources: ReadonlySet<string>
}

function inputOf<K>(
  { repartitions }: CogroupedHandle<K, any>,
  grouped: GroupedStreamHandle<K, any>,
  graph: DslGraph,
  store: string
): Input {
  const { upstream } = grouped
  if (!upstream.needsRepartition) return { node: upstream.node, sources: upstream.sources }
  // Made even when an earlier one is used: the numbers of its names are used up, as in Kafka Streams.
  const fresh = repartitionNode(graph, {
    prefix: grouped.name ?? store,
    key: upstream.key,
    value: upstream.value,
    where: 'groupBy() or groupByKey()',
    isMergeable: true
  })
  let node = repartitions.get(grouped)
  if (node === undefined) {
    node = graph.add(fresh, upstream.node)
    repartitions.set(grouped, node)
  }
  return { node, sources: new Set([node.name]) }
}
