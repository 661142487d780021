import { bytes, type Serde, StreamsError } from '../../core/index.ts'
import {
  checkNodeOptions,
  INTERNAL_PREFIX,
  legalName,
  type StoreSpec,
  type StreamPartitioner
} from '../../topology/index.ts'
import { checkFunction } from '../add-step.ts'
import type { DerivedHandle } from '../add-table-step.ts'
import { AnswerResolver } from '../foreign-key/answer-resolver.ts'
import { registrationSerde, subscriptionAnswerSerde, subscriptionSerde } from '../foreign-key/subscription.ts'
import { ForeignChangeAnswerer, SubscriptionAnswerer } from '../foreign-key/subscription-answerer.ts'
import { SubscriptionReceiver } from '../foreign-key/subscription-receiver.ts'
import { SubscriptionSender } from '../foreign-key/subscription-sender.ts'
import { type AnySupplier, GraphNode } from '../graph/graph-node.ts'
import {
  historyRetentionMs,
  keyValueHandle,
  keyValueStore,
  MATERIALIZED_OPTIONS,
  type MaterializedOptions,
  storeName
} from '../materialized.ts'
import { resolveSerde } from '../resolve-serde.ts'
import type { ExactSerde } from '../sink-serde.ts'
import { TableSourceView } from '../table/table-source.ts'
import type { TableHandle } from '../table-handle.ts'

/** `V` is the value of the first table, `KO` and `VO` are key and value of the other. */
export interface ForeignKeyJoinOptions<K, V, KO, VO, VR> extends MaterializedOptions<K, VR> {
  /** Prefix of the names of the join's nodes, its two internal topics and its subscription store. */
  readonly name?: string | undefined
  /**
   * Serde of the first table's values, which are hashed with it. Default: the table's. Where that changes what it writes, as one of
   * a schema registry does with each version of a schema, rows that were stored before get no updates from the other table until
   * they are written again: give one here that stays.
   */
  readonly thisValue?: ExactSerde<V> | undefined
  /** Serdes of the other table, which travel through the internal topics. Default: the table's. */
  readonly otherKey?: ExactSerde<KO> | undefined
  /** Default: the other table's. */
  readonly otherValue?: ExactSerde<VO> | undefined
  /**
   * How the topic of this table was partitioned, by its keys alone; the value it gets is null. Default: answers go back to the
   * partition that their row came from.
   */
  readonly partitioner?: StreamPartitioner<K, null> | undefined
  /**
   * How the topic of the other table was partitioned, by its keys alone; the value it gets is null. Needed unless that was done
   * as Java's producer does it, by murmur2 of the key's bytes: otherwise rows look for their match in the wrong partition. Not
   * asked about null foreign keys, which match nothing.
   */
  readonly otherPartitioner?: StreamPartitioner<KO, null> | undefined
}

const JOIN_OPTIONS = ['thisValue', 'otherKey', 'otherValue', 'partitioner', 'otherPartitioner']
const FK_JOIN = 'KTABLE-FK-JOIN-'
const REGISTRATION = `${FK_JOIN}SUBSCRIPTION-REGISTRATION-`
const SUBSCRIPTION = `${FK_JOIN}SUBSCRIPTION-PROCESSOR-`
const OUTPUT = `${FK_JOIN}OUTPUT-`

/** Documented at `KTable.join` by a foreign key. */
export function foreignKeyJoin<K, V, KO, VO, VR>(
  table: TableHandle<K, V>,
  other: TableHandle<KO, VO>,
  foreignKey: (key: K, value: V) => KO | null | undefined,
  joiner: (value: V, other: VO, key: K) => VR,
  options: ForeignKeyJoinOptions<K, V, KO, VO, NonNullable<VR>> = {}
): TableHandle<K, NonNullable<VR>, DerivedHandle<K, NonNullable<VR>>> {
  return addJoin('join', table, other, foreignKey, joiner as (value: V, other: VO | null, key: K) => VR, false, options)
}

/** Documented at `KTable.leftJoin` by a foreign key. */
export function foreignKeyLeftJoin<K, V, KO, VO, VR>(
  table: TableHandle<K, V>,
  other: TableHandle<KO, VO>,
  foreignKey: (key: K, value: V) => KO | null | undefined,
  joiner: (value: V, other: VO | null, key: K) => VR,
  options: ForeignKeyJoinOptions<K, V, KO, VO, NonNullable<VR>> = {}
): TableHandle<K, NonNullable<VR>, DerivedHandle<K, NonNullable<VR>>> {
  return addJoin('leftJoin', table, other, foreignKey, joiner, true, options)
}

function addJoin<K, V, KO, VO, VR>(
  operator: string,
  table: TableHandle<K, V>,
  other: TableHandle<KO, VO>,
  foreignKey: (key: K, value: V) => KO | null | undefined,
  joiner: (value: V, other: VO | null, key: K) => VR,
  isLeft: boolean,
  options: ForeignKeyJoinOptions<K, V, KO, VO, NonNullable<VR>>
): TableHandle<K, NonNullable<VR>, DerivedHandle<K, NonNullable<VR>>> {
  const where = `${operator}()`
  checkNodeOptions(where, options, [...MATERIALIZED_OPTIONS, ...JOIN_OPTIONS])
  checkFunction(operator, 'foreign key', foreignKey)
  checkFunction(operator, 'joiner', joiner)
  const { partitioner, otherPartitioner } = options
  const { graph } = table
  if (other.graph !== graph) {
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `${where} takes a table of the same StreamsBuilder; this one is of another.`
    )
  }
  other.view.sendOldValues(true)
  table.view.sendOldValues(true)

  const named = (suffix: string, prefix: string) => graph.names.suffixedOrGenerate(options.name, suffix, prefix)
  const topic = legalName(`${named('-subscription-registration', REGISTRATION)}-topic`, 'topic')
  const sendName = named('-subscription-registration-processor', REGISTRATION)
  const keySerde = resolveSerde<K>('key', options.key, table.key, sendName, where)
  const valueSerde = resolveSerde<V>('value', options.thisValue, table.value, sendName, `${where} as 'thisValue'`)
  const foreignKeySerde = resolveSerde<KO>('key', options.otherKey, other.key, sendName, `${where} as 'otherKey'`)
  const foreignValueSerde = resolveSerde<VO>(
    'value',
    options.otherValue,
    other.value,
    sendName,
    `${where} as 'otherValue'`
  )
  const registration = registrationSerde(keySerde, foreignKeySerde, valueSerde)
  const answerSerde = subscriptionAnswerSerde(foreignValueSerde)

  const processor = (name: string, supplier: AnySupplier, connected: readonly string[], store?: StoreSpec) =>
    new GraphNode(name, { kind: 'processor', supplier, connected, stores: () => (store === undefined ? [] : [store]) })
  const topicSource = (name: string, suffix: string, key: Serde<any>, value: Serde<any>) =>
    new GraphNode(name, {
      kind: 'stream-source',
      topics: [INTERNAL_PREFIX + suffix],
      key,
      value,
      timestampExtractor: undefined,
      offsetReset: undefined
    })

  // To the other table's tasks.
  const isVersioned = table.view.isVersioned === true
  const sendOptions = { foreignKey, foreignKeySerde, valueSerde, isLeft, skipsOutOfOrder: isVersioned, topic }
  const send = processor(sendName, () => new SubscriptionSender<K, V, KO>(sendOptions), [])
  graph.add(send, table.node)
  const registrationSink = new GraphNode(named('-subscription-registration-sink', 'KTABLE-SINK-'), {
    kind: 'sink',
    topic: INTERNAL_PREFIX + topic,
    key: foreignKeySerde,
    value: registration,
    partitioner:
      otherPartitioner &&
      ((name, key: KO | null, _value, count) => (key === null ? undefined : otherPartitioner(name, key, null, count)))
  })
  graph.add(registrationSink, send)
  const registrationSourceName = named('-subscription-registration-source', 'KTABLE-SOURCE-')
  const registrationSource = topicSource(registrationSourceName, topic, foreignKeySerde, registration)
  graph.add(registrationSource, registrationSink)

  // There: subscriptions are stored and answered, and so are changes of the other table.
  const subscriptions = named('-subscription-store', `${FK_JOIN}SUBSCRIPTION-STATE-STORE-`)
  const spec = subscriptionStore(subscriptions, subscriptionSerde(keySerde))
  const use = { storeName: subscriptions, foreignKeySerde, primaryKeySerde: keySerde, topic }
  const receiveName = named('-subscription-receive', SUBSCRIPTION)
  graph.copartitioned.push({ node: receiveName, sources: new Set([...other.sources, registrationSourceName]) })
  const receive = processor(receiveName, () => new SubscriptionReceiver<K, KO>(use), [], spec)
  graph.add(receive, registrationSource)
  const foreign = other.view.reader()
  const answerName = named('-subscription-join-foreign', SUBSCRIPTION)
  const answer = processor(answerName, () => new SubscriptionAnswerer<K, KO, VO>(foreign), foreign.stores)
  graph.add(answer, receive)
  const foreignChangeName = named('-foreign-join-subscription', SUBSCRIPTION)
  const skipsForeign = other.view.isVersioned === true
  const foreignChange = processor(
    foreignChangeName,
    () => new ForeignChangeAnswerer<K, KO, VO>(use, skipsForeign),
    [],
    spec
  )
  graph.add(foreignChange, other.node)

  // And back.
  const answerTopic = legalName(`${named('-subscription-response', `${FK_JOIN}SUBSCRIPTION-RESPONSE-`)}-topic`, 'topic')
  const answerSink = new GraphNode(named('-subscription-response-sink', 'KTABLE-SINK-'), {
    kind: 'sink',
    topic: INTERNAL_PREFIX + answerTopic,
    key: keySerde,
    value: answerSerde,
    partitioner:
      partitioner === undefined
        ? // To where the row came from, which its key alone does not tell if its topic was partitioned in another way.
          (_topic, _key, value) => value.primaryPartition
        : (name, key: K, _value, count) => partitioner(name, key, null, count)
  })
  graph.add(answerSink, answer, foreignChange)
  const answerSourceName = named('-subscription-response-source', 'KTABLE-SOURCE-')
  const answerSource = topicSource(answerSourceName, answerTopic, keySerde, answerSerde)
  graph.add(answerSource, answerSink)
  const sources = new Set([...table.sources, answerSourceName])
  const primary = table.view.reader()
  const resolverName = named('-subscription-response-resolver', `${FK_JOIN}SUBSCRIPTION-RESPONSE-RESOLVER-PROCESSOR-`)
  graph.copartitioned.push({ node: resolverName, sources })
  const resolverOptions = { table: primary, valueSerde, foreignKey, foreignKeySerde, joiner, isLeft, topic }
  const resolver = processor(resolverName, () => new AnswerResolver<K, V, KO, VO, VR>(resolverOptions), primary.stores)
  graph.add(resolver, answerSource)

  const name = named('-result', OUTPUT)
  const { name: store, isNamed } = storeName(graph, options, OUTPUT)
  const historyMs = historyRetentionMs(store, options)
  const view = new TableSourceView<K, NonNullable<VR>>(store, isNamed, historyMs)
  const value = options.value as Serde<NonNullable<VR>> | undefined
  const result = new GraphNode(name, {
    kind: 'processor',
    supplier: () => view.createProcessor(),
    stores: () =>
      view.isStored
        ? [keyValueStore(store, keySerde, resolveSerde('value', value, undefined, name, where), options)]
        : []
  })
  if (isNamed) resolveSerde('value', value, undefined, name, where)
  graph.add(result, resolver)
  const kind = historyMs === undefined ? 'timestamped-key-value' : 'versioned-key-value'
  const handle = isNamed ? keyValueHandle<K, NonNullable<VR>>({ name: store, kind }) : undefined
  return { graph, node: result, key: keySerde, value, sources, view, store: handle }
}

function subscriptionStore(name: string, value: Serde<any>): StoreSpec {
  return {
    name: legalName(name, 'store'),
    kind: 'ordered-key-value',
    key: bytes(),
    value,
    persistent: true,
    caching: false,
    changelog: { sourceTopic: undefined, topicConfig: {} },
    windowSizeMs: undefined,
    retentionMs: undefined
  }
}
