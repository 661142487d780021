import {
  joinWindows,
  hopping,
  keyValueStore,
  GlobalKTable,
  StreamsBuilder,
  sessionStore,
  versionedKeyValueStore,
  windowStore,
  type StoreSpec,
  type Topology,
  timestampedKeyValueStore,
  tumbling,
  type FixedWindows,
  type SessionWindows,
  session,
  sliding,
  unlimited,
  type Suppressed,
  untilTimeLimit,
  untilWindowCloses
} from '@millrace/streams'
import type { CaseNode, CaseProcessor, ConformanceCase, FnSpec } from './case-format.ts'
import { combineFunction, field, flatFunction, keyFunction, predicate, valueFunction } from './case-functions.ts'
import { caseProcessor } from './case-processors.ts'
import { KEY, VALUE } from './case-serdes.ts'
import { Unsupported } from './unsupported.ts'

/** Calls the public DSL for each node of a case; all semantics are the product's. */
export function caseTopology(testCase: ConformanceCase): Topology {
  const builder = new StreamsBuilder()
  const results = new Map<string, any>()
  for (const node of testCase.nodes) {
    const result = build(builder, node, results)
    if (node.id !== undefined) results.set(node.id, result)
  }
  return builder.build({ optimization: testCase.config?.optimization === 'all' ? 'all' : 'none' })
}

function build(builder: StreamsBuilder, node: CaseNode, results: Map<string, any>): unknown {
  const from = typeof node.from === 'string' ? [node.from] : (node.from ?? [])
  const missing = from.find(id => !results.has(id))
  if (missing !== undefined) throw new Unsupported(`${node.op} from '${missing}', which no node before it is`)
  const input = results.get(from[0] ?? '')
  const named = node.name === undefined ? {} : { name: node.name }
  const fn = (spec: FnSpec | undefined): FnSpec => spec as FnSpec

  switch (node.op) {
    case 'stream':
      return builder.stream(
        node.topicPattern === undefined ? (node.topics ?? (node.topic as string)) : new RegExp(node.topicPattern),
        consumed(node)
      )
    case 'table':
      return builder.table(node.topic as string, { ...consumed(node), ...stored(node) })
    case 'globalTable':
      return builder.globalTable(node.topic as string, { ...consumed(node), ...stored(node) })
    case 'store':
      return builder.addStateStore(declaredStore(node))
    case 'process':
    case 'processValues':
      return input[node.op](() => caseProcessor(node.processor as CaseProcessor), {
        ...named,
        stores: node.stores ?? []
      })
    case 'filter':
      return input.filter(predicate(fn(node.predicate)), { ...named, ...derived(node) })
    case 'filterNot':
      return input.filterNot(predicate(fn(node.predicate)), { ...named, ...derived(node) })
    case 'map':
      return input.map(pair(node), named)
    case 'mapValues':
      return input.mapValues(valueFunction(fn(node.value)), { ...named, ...derived(node) })
    case 'transformValues': {
      const transform = valueFunction(fn(node.value))
      return input.transformValues(() => (key: unknown, value: unknown) => transform(value, key), {
        ...named,
        ...derived(node)
      })
    }
    case 'flatMap': {
      const flat = flatFunction(fn(node.flat))
      const each = pair(node)
      return input.flatMap((key: unknown, value: unknown) => flat(value).map(element => each(key, element)), named)
    }
    case 'flatMapValues':
      return input.flatMapValues(flatFunction(fn(node.flat)), named)
    case 'selectKey':
      return input.selectKey(keyFunction(fn(node.key)), named)
    case 'peek':
      return input.peek(() => undefined, named)
    case 'merge':
      return input.merge(results.get(from[1] as string), named)
    case 'split': {
      let branched = input.split(named)
      for (const branch of node.branches ?? []) branched = branched.branch(branch.name, predicate(branch.predicate))
      const branches =
        typeof node.default === 'string' ? branched.defaultBranch(node.default) : branched.noDefaultBranch()
      for (const [name, stream] of Object.entries(branches)) results.set(`${node.id}.${name}`, stream)
      return branched
    }
    case 'repartition':
      return input.repartition({ ...named, key: KEY, value: VALUE })
    case 'toTable':
      return input.toTable({ ...named, ...materialized(node) })
    case 'toStream':
      return node.key === undefined ? input.toStream(named) : input.toStream(keyFunction(node.key), named)
    case 'to':
      return input.to(node.topic ?? dynamicTopic(fn(node.topicFrom)), { ...named, key: KEY, value: VALUE })
    case 'groupByKey':
      return input.groupByKey({ ...named, key: KEY, value: VALUE })
    case 'groupBy': {
      const selector = node.value === undefined ? keyFunction(fn(node.key)) : pair(node)
      return input.groupBy(selector, { ...named, key: KEY, value: VALUE })
    }
    case 'windowedBy':
      return input.windowedBy(windows(node))
    case 'count':
      return input.count({ ...named, ...stored(node), key: KEY })
    case 'reduce':
      return node.adder === undefined
        ? input.reduce(reducer(fn(node.reducer)), { ...named, ...materialized(node) })
        : input.reduce(reducer(node.adder), reducer(fn(node.subtractor)), { ...named, ...materialized(node) })
    case 'aggregate':
      return aggregated(node, input, { ...named, ...materialized(node) })
    case 'cogroup':
      return from.length === 1
        ? input.cogroup(aggregator(fn(node.aggregator)))
        : input.cogroup(results.get(from[1] as string), aggregator(fn(node.aggregator)))
    case 'suppress':
      return input.suppress(suppressed(node), { ...named, value: VALUE })
    case 'emitStrategy':
      return input.emitStrategy(node.strategy)
    case 'join':
    case 'leftJoin':
    case 'outerJoin':
      return joined(node, input, results.get(from[1] as string), named)
    default:
      throw new Unsupported(node.op)
  }
}

/** Which functions there are tells what is aggregated. */
function aggregated(node: CaseNode, input: any, options: object): unknown {
  const initializer = () => structuredClone(node.init ?? null)
  const merger = node.merger === undefined ? [] : [combineFunction(node.merger)]
  if (node.adder !== undefined) {
    return input.aggregate(initializer, aggregator(node.adder), aggregator(node.subtractor as FnSpec), options)
  }
  return node.aggregator === undefined
    ? input.aggregate(initializer, ...merger, options)
    : input.aggregate(initializer, aggregator(node.aggregator), ...merger, options)
}

/** The kinds of the inputs select the join. */
function joined(node: CaseNode, left: any, right: any, named: { readonly name?: string }): unknown {
  const combine = combineFunction(node.joiner as FnSpec)
  const joiner = (a: unknown, b: unknown, key: unknown) => combine(key, a, b)
  const isTable = (input: any) => 'queryableStore' in Object.getPrototypeOf(input ?? {})
  if (right instanceof GlobalKTable) return left[node.op](right, keyFunction(node.key as FnSpec), joiner, named)
  const unsupported = new Unsupported(`${node.op} of these inputs`)
  if (isTable(left) && isTable(right)) {
    if (node.foreignKey !== undefined) {
      const serdes = { ...stored(node), value: VALUE, thisValue: VALUE, otherKey: KEY, otherValue: VALUE }
      return left[node.op](right, keyFunction(node.foreignKey), joiner, { ...named, ...serdes, key: KEY })
    }
    return left[node.op](right, joiner, { ...named, ...derived(node) })
  }
  if ('groupByKey' in left && isTable(right)) {
    const grace = node.graceMs === undefined ? {} : { grace: node.graceMs }
    return left[node.op](right, joiner, { ...named, ...grace, key: KEY, value: VALUE })
  }
  if ('groupByKey' in left && 'groupByKey' in right) {
    const { differenceMs = 0, graceMs = 0, beforeMs, afterMs } = node.window ?? { type: 'join' }
    const windows = joinWindows(differenceMs, {
      grace: graceMs,
      ...(beforeMs === undefined ? {} : { before: beforeMs }),
      ...(afterMs === undefined ? {} : { after: afterMs })
    })
    const serdes = { key: KEY, value: VALUE, otherValue: VALUE }
    return left[node.op](right, joiner, windows, { ...named, ...stored(node), ...serdes })
  }
  throw unsupported
}

function consumed(node: CaseNode) {
  const { timestampField } = node
  const base = { key: KEY, value: VALUE, ...(node.name === undefined ? {} : { name: node.name }) }
  if (timestampField === undefined) return base
  return {
    ...base,
    timestampExtractor: (record: { readonly value: unknown }, partitionTimeMs: number) => {
      const found = field(record.value, timestampField)
      return Number.isInteger(found) ? (found as number) : partitionTimeMs
    }
  }
}

function stored(node: CaseNode) {
  return {
    ...(node.store === undefined ? {} : { store: node.store }),
    ...(node.historyMs === undefined ? {} : { historyRetention: node.historyMs }),
    ...(node.retentionMs === undefined ? {} : { retention: node.retentionMs })
  }
}

function materialized(node: CaseNode) {
  return { ...stored(node), key: KEY, value: VALUE }
}

/** Of a table made from another: the key serde is inherited. */
function derived(node: CaseNode) {
  return node.store === undefined ? {} : { store: node.store, value: VALUE }
}

function declaredStore(node: CaseNode): StoreSpec {
  const name = node.store as string
  const { retentionMs: retention = 0, windowMs: windowSize = 0, historyMs: historyRetention = 0 } = node
  switch (node.type) {
    case 'window':
      return windowStore(name, { key: KEY, value: VALUE, windowSize, retention })
    case 'session':
      return sessionStore(name, { key: KEY, value: VALUE, retention })
    case 'versioned':
      return versionedKeyValueStore(name, { key: KEY, value: VALUE, historyRetention })
    case 'keyValue':
      return keyValueStore(name, { key: KEY, value: VALUE })
    case 'timestampedKeyValue':
      return timestampedKeyValueStore(name, { key: KEY, value: VALUE })
    default:
      throw new Unsupported(`${node.type} stores`)
  }
}

function pair(node: CaseNode): (key: unknown, value: unknown) => readonly [unknown, unknown] {
  const key = keyFunction(node.key as FnSpec)
  const value = valueFunction(node.value as FnSpec)
  return (k, v) => [key(k, v), value(v, k)]
}

function reducer(spec: FnSpec): (a: unknown, b: unknown) => unknown {
  const combine = combineFunction(spec)
  return (a, b) => combine(null, a, b)
}

function aggregator(spec: FnSpec): (key: unknown, value: unknown, aggregate: unknown) => unknown {
  const combine = combineFunction(spec)
  return (key, value, aggregate) => combine(key, aggregate, value)
}

/** The function's name appears in the description of the topology. */
function dynamicTopic(spec: FnSpec): (key: unknown, value: unknown) => string {
  const topic = keyFunction(spec)
  return function DynamicTopic(key, value) {
    return topic(key, value) as string
  }
}

function suppressed({ until, timeLimitMs = 0, buffer = {} }: CaseNode): Suppressed {
  const { maxRecords, whenFull } = buffer
  return until === 'windowCloses'
    ? untilWindowCloses({ maxRecords })
    : untilTimeLimit(timeLimitMs, { maxRecords, whenFull })
}

function windows(node: CaseNode): FixedWindows | SessionWindows {
  const window = node.window ?? { type: 'none' }
  const { type, sizeMs = 0, advanceMs = 0, differenceMs = 0, gapMs = 0, startMs = 0, graceMs = 0 } = window
  switch (type) {
    case 'tumbling':
      return tumbling(sizeMs, { grace: graceMs })
    case 'hopping':
      return hopping(sizeMs, { advance: advanceMs, grace: graceMs })
    case 'sliding':
      return sliding(differenceMs, { grace: graceMs })
    case 'session':
      return session(gapMs, { grace: graceMs })
    case 'unlimited':
      return unlimited({ startMs })
    default:
      throw new Unsupported(`windows of type ${type}`)
  }
}
