import type { CaseNode, ConformanceCase } from './case-format.ts'
import { isInvertible } from './recomputed-groups.ts'

/**
 * What of a stream or table is the same with a record cache and without:
 * - `records`: of a stream every record; of a table every change that it forwards, and so every look-up too.
 * - `rows`: of a table what a look-up finds at any moment, timestamps included; of the stream of its changes the last of each key,
 *   with timestamp and headers. But changes are forwarded seldomer.
 * - `last`: the last value of each key, once all caches are flushed.
 * - `none`: nothing, neither here nor in Kafka Streams.
 */
export type Sameness = 'records' | 'rows' | 'last' | 'none'

export interface Facts {
  readonly kind: 'stream' | 'table' | 'global' | 'grouped-stream' | 'grouped-table'
  readonly sameness: Sameness
  /** Tables of sources and aggregations that this table is made of. */
  readonly bases: ReadonlySet<string>
  /** Those of them that forget windows with time. */
  readonly windowBases: ReadonlySet<string>
  /**
   * Nodes on the way here, by their ids, that leave rows behind which may be there without a cache only, or with one only: aggregations
   * with an empty group; `transformValues` with a value for a deletion; joined aggregations of windows, of which the one may be
   * forgotten when an update of the other comes, sooner or later.
   */
  readonly remainders: ReadonlySet<string>
  /**
   * Changes whose old value is not what was forwarded last: the first one of an aggregate has what the initializer gave, that of a
   * sliding window the aggregate it continues, and a session of one instant is replaced as if it were new. A `groupBy` subtracts as it
   * is told; a cache tells what was there.
   */
  readonly misstatesOldValues?: boolean
  /**
   * They are wrong with a cache too: those of what `suppress` held, values that `transformValues` makes of nothing, and those of windows
   * that a cogroup updates, or of sessions, when they expire before they are closed.
   */
  readonly inventsOldValues?: boolean
  /** Windows close at the same updates: each change goes on, and none is a deletion that a cache may swallow. */
  readonly closesAlike?: boolean
  readonly emitsOnClose?: boolean
  readonly isWindowed?: boolean
  readonly windowType?: string | undefined
  readonly isCogrouped?: boolean
  readonly groupedBy?: CaseNode
  /** The `toStream` node whose changes these are. */
  readonly changesOf?: string
}

const ORDER: readonly Sameness[] = ['records', 'rows', 'last', 'none']
const NONE: ReadonlySet<string> = new Set()
/** Value functions that make something of a deletion. */
const SHOW_NULL = new Set(['wrap', 'const', 'render', 'renderWithKey'])
/** Aggregates that never become null. */
const NEVER_NULL = new Set([
  'sum',
  'increment',
  'max',
  'min',
  'sumField',
  'append',
  'concatLists',
  'join',
  'joinWithKey'
])

export interface CaseFacts {
  readonly byId: ReadonlyMap<string, Facts>
  /** Of stores, by the name in the case. */
  readonly byStore: ReadonlyMap<string, Facts>
  /** Of the topics that the case writes. */
  topic(name: string): Facts
}

/** Derives, by rules over the operators alone, what of a case does not depend on a record cache. */
export function cacheFacts({ nodes, steps }: Pick<ConformanceCase, 'nodes' | 'steps'>): CaseFacts {
  const inputs = new Set(steps.flatMap(step => ('pipe' in step ? step.pipe.topic : [])))
  // A topic may be read by a node that stands before the one that writes it.
  let written = new Map<string, Facts>()
  for (;;) {
    const pass = new Pass(written, inputs)
    for (const node of nodes) pass.add(node)
    if (JSON.stringify([...pass.written].map(levelOf)) === JSON.stringify([...written].map(levelOf))) {
      return { byId: pass.byId, byStore: pass.byStore, topic: name => pass.writtenTo(name) ?? stream('none') }
    }
    written = pass.written
  }
}

function levelOf([topic, { sameness }]: readonly [string, Facts]): readonly [string, Sameness] {
  return [topic, sameness]
}

/** What `to` writes when the name of the topic is computed. */
const COMPUTED = ''

const LAST = stream('last')
const INPUT = stream('records')

class Pass {
  readonly byId = new Map<string, Facts>()
  readonly byStore = new Map<string, Facts>()
  readonly written = new Map<string, Facts>()
  readonly #before: ReadonlyMap<string, Facts>
  readonly #inputs: ReadonlySet<string>

  constructor(before: ReadonlyMap<string, Facts>, inputs: ReadonlySet<string>) {
    this.#before = before
    this.#inputs = inputs
  }

  writtenTo(topic: string): Facts | undefined {
    return this.written.get(topic) ?? this.written.get(COMPUTED)
  }

  add(node: CaseNode): void {
    if (node.op === 'store') return
    const from = typeof node.from === 'string' ? [node.from] : (node.from ?? [])
    const inputs = from.map(id => this.byId.get(id) as Facts)
    if (node.op === 'to') {
      const computed = node.topicFrom?.fn === 'const' ? String(node.topicFrom.args?.[0]) : COMPUTED
      const topic = node.topic ?? computed
      const known = this.written.get(topic)
      const input = inputs[0] as Facts
      this.written.set(topic, known === undefined ? input : stream(merged([known, input])))
      return
    }
    const facts = this.#factsOf(node, inputs)
    if (node.id !== undefined) this.byId.set(node.id, facts)
    for (const name of [...(node.branches ?? []).map(branch => branch.name), node.default]) {
      if (typeof name === 'string') this.byId.set(`${node.id}.${name}`, facts)
    }
    if (node.store !== undefined) this.byStore.set(node.store, facts)
  }

  #factsOf(node: CaseNode, inputs: readonly Facts[]): Facts {
    const [input, other] = inputs as [Facts, Facts | undefined]
    // Where an update may fail, it is as if it were filtered.
    if (node.value?.fn === 'failIf' && input.sameness !== 'records') return { ...input, sameness: 'none' }
    switch (node.op) {
      case 'stream':
        return stream(merged((node.topics ?? [node.topic ?? '']).map(topic => this.#read(topic))))
      case 'table':
      case 'toTable': {
        const records = node.op === 'table' ? this.#read(node.topic as string) : input
        if (records.sameness === 'records') return table(node, node.historyMs === undefined ? 'rows' : 'records')
        // The latest version is the one with the highest time, which may be one that a cache let nobody hear of.
        return table(node, node.historyMs === undefined ? worst([records, LAST]) : 'none')
      }
      case 'globalTable':
        return { ...this.#read(node.topic as string), kind: 'global' }
      case 'groupByKey':
      case 'groupBy':
        return { ...input, kind: input.kind === 'table' ? 'grouped-table' : 'grouped-stream', groupedBy: node }
      case 'windowedBy':
        return { ...input, isWindowed: true, windowType: node.window?.type }
      case 'emitStrategy':
        return { ...input, emitsOnClose: node.strategy === 'onWindowClose' }
      case 'cogroup':
        return { ...input, sameness: worst(inputs), isCogrouped: true }
      case 'count':
      case 'reduce':
      case 'aggregate':
        return input.kind === 'grouped-table' ? ofGroups(node, input) : ofRecords(node, input)
      case 'merge':
        return stream(merged(inputs))
      case 'suppress':
        return suppressed(node, input)
      case 'toStream': {
        if (input.sameness === 'records') return stream('records')
        // A key made of several: which of them changed last is another matter.
        const isOneToOne = node.key === undefined || ['key', 'windowedKeyToString'].includes(node.key.fn)
        if (!isOneToOne || input.sameness === 'none') return stream('none')
        return { ...input, kind: 'stream', ...(node.id === undefined ? {} : { changesOf: node.id }) }
      }
      case 'join':
      case 'leftJoin':
      case 'outerJoin':
        return joined(node, input, other as Facts)
      default:
        return input.kind === 'table' ? derived(node, input) : mapped(node, input)
    }
  }

  /** What is in a topic: what users write is the same, of course. */
  #read(topic: string): Facts {
    const written = this.#before.get(topic)
    if (written !== undefined) return this.#inputs.has(topic) ? stream(merged([written, INPUT])) : written
    return this.#inputs.has(topic) ? INPUT : (this.#before.get(COMPUTED) ?? INPUT)
  }
}

function stream(sameness: Sameness): Facts {
  return { kind: 'stream', sameness, bases: NONE, windowBases: NONE, remainders: NONE }
}

function table(node: CaseNode, sameness: Sameness): Facts {
  const bases = new Set([node.id ?? node.store ?? ''])
  return { kind: 'table', sameness, bases, windowBases: NONE, remainders: NONE }
}

function worst(facts: readonly Facts[]): Sameness {
  return ORDER[Math.max(...facts.map(({ sameness }) => ORDER.indexOf(sameness)))] as Sameness
}

/** Where records of two streams meet, the last of a key is that of one or the other. */
function merged(facts: readonly Facts[]): Sameness {
  if (facts.length === 1) return (facts[0] as Facts).sameness
  return worst(facts) === 'records' ? 'records' : 'none'
}

/** Of a stream of changes, an operator that leaves keys and records as they are keeps the last one. */
function mapped({ op }: CaseNode, input: Facts): Facts {
  if (input.sameness === 'records' || ['mapValues', 'peek', 'repartition'].includes(op)) return input
  return stream('none')
}

/** An aggregation over changes counts them, so it takes every record. */
function ofRecords(node: CaseNode, input: Facts): Facts {
  if (input.sameness !== 'records') return table(node, 'none')
  const isUncached = input.emitsOnClose === true || node.historyMs !== undefined
  const combine = node.op === 'count' ? 'increment' : (node.reducer ?? node.aggregator)?.fn
  return {
    ...table(node, isUncached ? 'records' : 'rows'),
    windowBases: new Set(input.isWindowed === true ? [node.id ?? ''] : []),
    misstatesOldValues: node.op !== 'reduce' || ['session', 'sliding'].includes(input.windowType ?? ''),
    inventsOldValues: input.windowType === 'session' || input.isCogrouped === true,
    closesAlike: combine !== undefined && NEVER_NULL.has(combine)
  }
}

function ofGroups(node: CaseNode, input: Facts): Facts {
  const facts = table(node, 'rows')
  if (input.sameness === 'records') return facts
  const isExact =
    input.sameness !== 'none' &&
    isInvertible(node, input.groupedBy as CaseNode) &&
    input.misstatesOldValues !== true &&
    // They are rows too, and count.
    input.remainders.size === 0
  if (!isExact) return { ...facts, sameness: 'none' }
  return { ...facts, sameness: 'last', remainders: new Set([node.id ?? '']) }
}

/** A view without a store is computed at each look-up; a store hears of changes only when they are forwarded. */
function derived(node: CaseNode, input: Facts): Facts {
  const isStored = node.store !== undefined
  // It drops a deletion whose old value is missing.
  const dropsDeletions = node.op.startsWith('filter') && input.inventsOldValues === true
  if (dropsDeletions && input.sameness !== 'records') return { ...input, sameness: 'none' }
  const seldomer = input.sameness === 'records' || input.sameness === 'rows'
  const stored = input.sameness === 'records' ? 'rows' : 'last'
  const showsDeletions = node.op === 'transformValues' && SHOW_NULL.has(node.value?.fn ?? '')
  return {
    ...input,
    sameness: isStored && seldomer ? stored : input.sameness,
    misstatesOldValues: input.misstatesOldValues === true && !isStored,
    inventsOldValues: (input.inventsOldValues === true || showsDeletions) && !isStored,
    remainders: showsDeletions ? new Set([...input.remainders, node.id ?? '']) : input.remainders,
    closesAlike: input.closesAlike === true && node.op === 'mapValues' && !isStored
  }
}

/**
 * Time, for `suppress`, is that of the updates it is told of. So which of them wait, and until when, depends on the cache; that
 * what was emitted together with what waits is the table, does not.
 */
function suppressed(node: CaseNode, input: Facts): Facts {
  if (input.sameness === 'records' || input.sameness === 'none') return input
  const isSame = node.until === 'windowCloses' && input.closesAlike === true
  return { ...input, sameness: isSame ? 'last' : 'none', misstatesOldValues: true, inventsOldValues: true }
}

function joined(node: CaseNode, left: Facts, right: Facts): Facts {
  if (left.kind === 'stream') {
    const isRead = right.sameness === 'records' || (right.kind === 'table' && right.sameness === 'rows')
    return stream(left.sameness === 'records' && isRead ? 'records' : 'none')
  }
  const windowBases = new Set([...left.windowBases, ...right.windowBases])
  const facts: Facts = {
    kind: 'table',
    sameness: 'last',
    windowBases,
    bases: new Set([...left.bases, ...right.bases]),
    remainders: new Set([...left.remainders, ...right.remainders, ...windowBases]),
    misstatesOldValues: left.misstatesOldValues === true || right.misstatesOldValues === true,
    inventsOldValues: left.inventsOldValues === true || right.inventsOldValues === true
  }
  const sameness = worst([left, right])
  if (sameness === 'records') return { ...facts, sameness: node.store === undefined ? 'records' : 'rows' }
  // A join with itself is told of one change twice, with the other side as it was or as it is by then: deletions are missed, and old
  // values are of no moment that there ever was. What stays depends on which changes there were.
  const isOfItself = node.foreignKey === undefined && [...left.bases].some(id => right.bases.has(id))
  // A row may refer to one that is there without a cache only.
  const refersToRemainders = node.foreignKey !== undefined && right.remainders.size > 0
  // A deletion whose old value is missing is taken for nothing.
  const missesDeletions = [left, right].some(side => side.inventsOldValues === true && side.closesAlike !== true)
  return sameness === 'none' || isOfItself || refersToRemainders || missesDeletions
    ? { ...facts, sameness: 'none' }
    : facts
}
