import { type JoinWindows, type Serde, StreamsError } from '../../core/index.ts'
import { checkNodeOptions, legalName, type StoreSpec } from '../../topology/index.ts'
import { checkFunction } from '../add-step.ts'
import { GraphNode } from '../graph/graph-node.ts'
import { joinableStream } from '../join-repartition.ts'
import type { MaterializedOptions, NamedOptions } from '../materialized.ts'
import { PassThrough } from '../pass-through.ts'
import { resolveSerde } from '../resolve-serde.ts'
import type { ExactSerde } from '../sink-serde.ts'
import type { JoinTime } from '../stream-join/join-time.ts'
import { SelfJoinProcessor } from '../stream-join/self-join-processor.ts'
import {
  JoinWindowKeeper,
  type StreamJoiner,
  StreamJoinProcessor,
  type StreamJoinSide
} from '../stream-join/stream-join-processor.ts'
import { unmatchedKeySerde, unmatchedValuesSerde } from '../stream-join/unmatched-rows.ts'
import type { StreamHandle } from '../stream-handle.ts'

/** `V` is the value of the first stream, `VO` that of the other. */
export interface StreamJoinedOptions<K, V, VO>
  extends NamedOptions,
    Pick<MaterializedOptions<K, V>, 'changelog' | 'persistent'> {
  /** Prefix of the names of the join's nodes, and of repartition topics if they are needed. */
  readonly name?: string | undefined
  /** Prefix of the names of the join's stores, and so of their changelogs. */
  readonly store?: string | undefined
  /** Serdes for the stores and for repartition topics; default: those of the streams. */
  readonly key?: ExactSerde<K> | undefined
  /** Default: that of this stream. */
  readonly value?: ExactSerde<V> | undefined
  /** Default: that of the other stream. */
  readonly otherValue?: ExactSerde<VO> | undefined
}

type Joiner<K, V, VO, VR> = (value: V, other: VO, key: K) => VR

/** Documented at `KStream.join` of two streams. */
export function streamJoin<K, V, VO, VR>(
  stream: StreamHandle<K, V>,
  other: StreamHandle<K, VO>,
  joiner: Joiner<K, V, VO, VR>,
  windows: JoinWindows,
  options: StreamJoinedOptions<K, V, VO> = {}
): StreamHandle<K, VR> {
  return addJoin('join', stream, other, joiner, windows, false, false, options)
}

/** Documented at `KStream.leftJoin` of two streams. */
export function streamLeftJoin<K, V, VO, VR>(
  stream: StreamHandle<K, V>,
  other: StreamHandle<K, VO>,
  joiner: Joiner<K, V, VO | null, VR>,
  windows: JoinWindows,
  options: StreamJoinedOptions<K, V, VO> = {}
): StreamHandle<K, VR> {
  return addJoin('leftJoin', stream, other, joiner, windows, true, false, options)
}

/** Documented at `KStream.outerJoin`. */
export function streamOuterJoin<K, V, VO, VR>(
  stream: StreamHandle<K, V>,
  other: StreamHandle<K, VO>,
  joiner: Joiner<K, V | null, VO | null, VR>,
  windows: JoinWindows,
  options: StreamJoinedOptions<K, V, VO> = {}
): StreamHandle<K, VR> {
  return addJoin('outerJoin', stream, other, joiner, windows, true, true, options)
}

function addJoin<K, V, VO, VR>(
  operator: string,
  stream: StreamHandle<K, V>,
  other: StreamHandle<K, VO>,
  joiner: Joiner<K, any, any, VR>,
  windows: JoinWindows,
  isLeftOuter: boolean,
  isRightOuter: boolean,
  options: StreamJoinedOptions<K, V, VO>
): StreamHandle<K, VR> {
  const where = `${operator}()`
  checkNodeOptions(where, options, ['name', 'store', 'key', 'value', 'otherValue', 'changelog', 'persistent'])
  checkFunction(operator, 'joiner', joiner)
  if (windows?.kind !== 'join') {
    throw new StreamsError('TOPOLOGY_INVALID', `${where} of two streams takes joinWindows('5m') after the joiner.`)
  }
  const { graph } = stream
  if (other.graph !== graph) {
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `${where} takes a stream of the same StreamsBuilder; this one is of another.`
    )
  }
  const { names } = graph
  const { name } = options
  const topicPrefix = (suffix: string) => (name === undefined ? undefined : name + suffix)
  const left = joinableStream(stream, {
    operator,
    prefix: topicPrefix('-left'),
    key: options.key as Serde<K> | undefined,
    value: options.value as Serde<V> | undefined
  })
  const right = joinableStream(other, {
    operator,
    prefix: topicPrefix('-right'),
    key: options.key as Serde<K> | undefined,
    value: options.otherValue as Serde<VO> | undefined
  })
  const sources = new Set([...left.sources, ...right.sources])

  const leftWindowed = names.suffixedOrGenerate(name, '-this-windowed', 'KSTREAM-WINDOWED-')
  const rightWindowed = names.suffixedOrGenerate(name, '-other-windowed', 'KSTREAM-WINDOWED-')
  const leftGenerated = names.processor(isRightOuter ? 'KSTREAM-OUTERTHIS-' : 'KSTREAM-JOINTHIS-')
  const rightGenerated = names.processor(isLeftOuter ? 'KSTREAM-OUTEROTHER-' : 'KSTREAM-JOINOTHER-')
  const leftSuffix = isRightOuter ? '-outer-this-join' : '-this-join'
  const rightSuffix = isLeftOuter ? '-outer-other-join' : '-other-join'
  const leftName = name === undefined ? leftGenerated : legalName(name + leftSuffix, 'node')
  const rightName = name === undefined ? rightGenerated : legalName(name + rightSuffix, 'node')
  const merge = names.suffixedOrGenerate(name, '-merge', 'KSTREAM-MERGE-')
  graph.copartitioned.push({ node: merge, sources })

  const key = resolveSerde<K>('key', options.key, left.key, merge, where)
  const leftValue = resolveSerde<V>('value', options.value, left.value, merge, where)
  const rightValue = resolveSerde<VO>('value', options.otherValue, right.value, merge, `${where} as 'otherValue'`)
  const { store } = options
  if (store !== undefined) names.give(store)
  const storeName = (suffix: string, generated: string) => `${store === undefined ? generated : store + suffix}-store`
  const leftStore = windowStore(storeName(leftSuffix, leftGenerated), key, leftValue, windows, options)
  const rightStore = windowStore(storeName(rightSuffix, rightGenerated), key, rightValue, windows, options)
  const unmatchedName = storeName(
    isRightOuter ? '-outer-shared-join' : '-left-shared-join',
    // Named by the number of the first side's generated name.
    `KSTREAM-OUTERSHARED-${leftGenerated.slice(-10)}`
  )
  const unmatchedStore = isLeftOuter ? unmatchedRows(unmatchedName, key, leftValue, rightValue, options) : undefined

  const leftNode = new GraphNode(leftWindowed, {
    kind: 'processor',
    supplier: () => new JoinWindowKeeper<K, V>(leftStore.name)
  })
  graph.add(leftNode, left.node)
  const rightNode = new GraphNode(rightWindowed, {
    kind: 'processor',
    supplier: () => new JoinWindowKeeper<K, VO>(rightStore.name)
  })
  graph.add(rightNode, right.node)

  const shared = {
    graceMs: windows.graceMs,
    unmatchedStore: unmatchedStore?.name,
    times: new WeakMap<object, JoinTime>()
  }
  const leftSide: StreamJoinSide<K, V, VO, VR> = {
    ...shared,
    isLeft: true,
    beforeMs: windows.beforeMs,
    afterMs: windows.afterMs,
    otherStore: rightStore.name,
    isOuter: isLeftOuter,
    joiner
  }
  const reversed: StreamJoiner<K, VO, V, VR> = (value, otherValue, recordKey) => joiner(otherValue, value, recordKey)
  const rightSide: StreamJoinSide<K, VO, V, VR> = {
    ...shared,
    isLeft: false,
    beforeMs: windows.afterMs,
    afterMs: windows.beforeMs,
    otherStore: leftStore.name,
    isOuter: isRightOuter,
    joiner: reversed
  }
  const node = new GraphNode(
    merge,
    {
      kind: 'processor-group',
      steps: [
        { name: leftName, parents: [leftWindowed], supplier: () => new StreamJoinProcessor(leftSide) },
        { name: rightName, parents: [rightWindowed], supplier: () => new StreamJoinProcessor(rightSide) },
        { name: merge, parents: [leftName, rightName], supplier: () => new PassThrough<K, VR>() }
      ],
      stores: () => [
        { spec: leftStore, processors: [leftWindowed, rightName] },
        { spec: rightStore, processors: [rightWindowed, leftName] },
        ...(unmatchedStore === undefined ? [] : [{ spec: unmatchedStore, processors: [leftName, rightName] }])
      ],
      selfJoin: {
        sparedNode: rightWindowed,
        group: {
          kind: 'processor-group',
          steps: [
            {
              name: merge,
              parents: [leftWindowed],
              supplier: () => new SelfJoinProcessor<K, V, VR>(leftStore.name, windows, joiner)
            }
          ],
          stores: () => [{ spec: leftStore, processors: [leftWindowed, merge] }]
        }
      }
    },
    { takesNullKeys: isLeftOuter || isRightOuter }
  )
  graph.add(node, left.node, right.node)
  return { graph, node, sources, key, value: undefined, needsRepartition: false }
}

type StoreOptions = Pick<StreamJoinedOptions<unknown, unknown, unknown>, 'changelog' | 'persistent'>

function windowStore(
  name: string,
  key: Serde<any>,
  value: Serde<any>,
  windows: JoinWindows,
  options: StoreOptions
): StoreSpec {
  const windowSizeMs = windows.beforeMs + windows.afterMs
  return {
    ...common(name, key, value, options, { 'cleanup.policy': 'delete' }),
    kind: 'window',
    windowSizeMs,
    retentionMs: windowSizeMs + windows.graceMs,
    retainDuplicates: true
  }
}

function unmatchedRows(
  name: string,
  key: Serde<any>,
  left: Serde<any>,
  right: Serde<any>,
  options: StoreOptions
): StoreSpec {
  return {
    ...common(name, unmatchedKeySerde(key), unmatchedValuesSerde(left, right), options, {}),
    kind: 'ordered-key-value',
    windowSizeMs: undefined,
    retentionMs: undefined
  }
}

/** @param topicConfig - over the defaults of the kind; duplicates of a key and time must not be compacted away. */
function common(
  name: string,
  key: Serde<any>,
  value: Serde<any>,
  { changelog = true, persistent = true }: StoreOptions,
  topicConfig: Readonly<Record<string, string>>
) {
  return {
    name: legalName(name, 'store'),
    key,
    value,
    persistent,
    caching: false,
    changelog:
      changelog === false
        ? undefined
        : { sourceTopic: undefined, topicConfig: { ...(changelog === true ? {} : changelog), ...topicConfig } }
  }
}
