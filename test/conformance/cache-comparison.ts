import { isDeepStrictEqual } from 'node:util'
import type { Topology } from '@millrace/streams'
import {
  type CacheRun,
  isProbe,
  type Observation,
  observe,
  probes,
  probeTopic,
  type Rows
} from './cache-observation.ts'
import { type CaseFacts, cacheFacts, type Facts, type Sameness } from './cache-sameness.ts'
import type { CaseNode, ConformanceCase } from './case-format.ts'
import { caseTopology } from './case-topology.ts'
import { isInvertible, isOfNoRows, isSameAggregate, recomputedGroups } from './recomputed-groups.ts'

const NO_CACHE: CacheRun = { cacheBytes: 0, commits: () => false, restarts: () => false }
const NO_ROWS: Rows = new Map()

/** Compares runs of a case with a record cache to one without, by the rules of `cacheFacts`. */
export class CacheComparison {
  readonly #case: ConformanceCase
  readonly #facts: CaseFacts
  readonly #topology: Topology
  /** Names of the buffers of `suppress`, by node. */
  readonly #buffers: ReadonlyMap<string, string>
  #plain: Observation | undefined
  #differences: string[] = []

  /** @throws Unsupported, and what building the topology throws. */
  constructor(testCase: ConformanceCase) {
    const nodes = testCase.nodes.map((node, index) => withStoreName(node, index, testCase.nodes))
    this.#case = { ...testCase, nodes }
    this.#facts = cacheFacts(this.#case)
    const probed = new Map(nodes.flatMap(node => this.#needed(node)).map(node => [node.id as string, node.op]))
    this.#case = { ...testCase, nodes: [...nodes, ...[...probed].flatMap(([id, op]) => probes(id, op))] }
    this.#topology = caseTopology(this.#case)
    this.#buffers = buffersOf(nodes, this.#topology)
  }

  /** Whether there is anything to be cached. */
  get hasStores(): boolean {
    return this.#topology.subTopologies.some(sub => sub.stores.length > 0)
  }

  /** Whether new processor objects go on as those before would have. */
  get mayRestart(): boolean {
    return this.#case.nodes.every(({ processor }) => processor?.type !== 'ticker')
  }

  /** How stores and topics are compared. */
  get samenesses(): readonly Sameness[] {
    const topics = this.#case.nodes.flatMap(({ op, topic }) => (op === 'to' && topic !== undefined ? [topic] : []))
    const written = new Set(topics.filter(topic => !isProbe(topic)))
    return [...this.#facts.byStore.values(), ...[...written].map(topic => this.#facts.topic(topic))].map(
      ({ sameness }) => sameness
    )
  }

  /** A line for each row that should be the same and is not. */
  async differences(run: CacheRun): Promise<readonly string[]> {
    this.#plain ??= await observe(this.#case, this.#topology, NO_CACHE)
    const plain = this.#plain
    const cached = await observe(this.#case, this.#topology, run)
    this.#differences = []
    for (const [name, facts] of this.#facts.byStore) this.#compareStore(name, facts, plain, cached)
    for (const topic of plain.last.keys()) if (!isProbe(topic)) this.#compareTopic(topic, plain, cached)
    for (const node of this.#case.nodes) {
      if (node.op === 'suppress') this.#compareHeld(node, plain, cached)
      this.#compareGroups(node, cached)
    }
    return this.#differences
  }

  #compareStore(name: string, facts: Facts, plain: Observation, cached: Observation): void {
    if (facts.sameness === 'none') return
    const remainders = this.#remainders(facts, plain, cached)
    const rows = plain.stores.get(name) ?? NO_ROWS
    const others = cached.stores.get(name) ?? NO_ROWS
    for (const key of keysOf(rows, others)) {
      if (remainders.has(key)) continue
      const isExact = facts.sameness !== 'last'
      this.#compare(`store ${name}: ${key}`, shown(rows, key, isExact), shown(others, key, isExact))
    }
  }

  #compareTopic(topic: string, plain: Observation, cached: Observation): void {
    const facts = this.#facts.topic(topic)
    if (facts.sameness === 'none') return
    if (facts.sameness === 'records') {
      this.#compare(`topic ${topic}`, plain.records.get(topic), cached.records.get(topic))
      return
    }
    const remainders = this.#remainders(facts, plain, cached)
    const changes = plain.last.get(probeTopic(facts.changesOf as string)) ?? NO_ROWS
    const rows = plain.last.get(topic) ?? NO_ROWS
    const others = cached.last.get(topic) ?? NO_ROWS
    for (const key of keysOf(rows, others)) {
      // A row that came and went between two flushes was never heard of, nor what was made of its end; one that went before is
      // not deleted again.
      const isGone = changes.get(key)?.value === null
      if (remainders.has(key) || (isGone && !others.has(key))) continue
      const isExact = facts.sameness === 'rows' && !isGone
      this.#compare(`topic ${topic}: ${key}`, shown(rows, key, isExact), shown(others, key, isExact))
    }
  }

  /** What `suppress` has emitted and, over it, what it still holds are the table above. */
  #compareHeld(node: CaseNode, plain: Observation, cached: Observation): void {
    const above = this.#facts.byId.get(node.from as string) as Facts
    const buffer = this.#buffers.get(node.id as string) as string
    if (above.sameness === 'none') return
    const remainders = this.#remainders(above, plain, cached)
    const all = ({ last, stores }: Observation): Rows =>
      new Map([...(last.get(probeTopic(node.id as string)) ?? []), ...(stores.get(buffer) ?? [])])
    const rows = all(plain)
    const others = all(cached)
    for (const key of keysOf(rows, others)) {
      if (remainders.has(key)) continue
      this.#compare(`suppressed by ${node.id}: ${key}`, shown(rows, key, false), shown(others, key, false))
    }
  }

  /** An aggregate over a grouped table is that of the rows that were forwarded last: additions and subtractions cancel out. */
  #compareGroups(node: CaseNode, cached: Observation): void {
    const groups = this.#groups(node, cached)
    if (groups === undefined) return
    const rows = cached.stores.get(node.store as string) ?? NO_ROWS
    for (const key of new Set([...groups.keys(), ...rows.keys()])) {
      const got = rows.get(key)?.value
      const isRight = groups.has(key) ? isSameAggregate(groups.get(key), got) : isOfNoRows(node, got)
      if (isRight) continue
      const expected = JSON.stringify(groups.get(key)) ?? 'nothing'
      this.#differences.push(`store ${node.store}: ${key} is ${JSON.stringify(got)}, its rows make ${expected}`)
    }
  }

  #compare(what: string, expected: unknown, got: unknown): void {
    if (isDeepStrictEqual(expected, got)) return
    const texts = [expected, got].map(value => JSON.stringify(value) ?? 'nothing')
    this.#differences.push(`${what} is ${texts[0]} without a cache, ${texts[1]} with one`)
  }

  /** Keys of rows where there are none above: of groups without rows, and of deletions that were made a value. */
  #remainders({ remainders }: Facts, ...observations: readonly Observation[]): ReadonlySet<string> {
    const keys = new Set<string>()
    for (const id of remainders) {
      const node = this.#case.nodes.find(candidate => candidate.id === id) as CaseNode
      for (const observation of observations) {
        if (node.op === 'transformValues') {
          const above = observation.last.get(probeTopic(node.from as string)) ?? NO_ROWS
          for (const [key, { value }] of above) if (value === null) keys.add(key)
          continue
        }
        const rows = observation.stores.get(node.store as string) ?? NO_ROWS
        const groups = this.#groups(node, observation)
        if (groups !== undefined) {
          for (const key of rows.keys()) if (!groups.has(key)) keys.add(key)
          continue
        }
        const forwarded = observation.last.get(probeTopic(id)) ?? NO_ROWS
        for (const [key, { value }] of forwarded) if (value !== null && !rows.has(key)) keys.add(key)
      }
    }
    return keys
  }

  #groups(node: CaseNode, observation: Observation) {
    const grouped = this.#groupedBy(node)
    if (grouped === undefined) return undefined
    return recomputedGroups(node, grouped, observation.last.get(probeTopic(grouped.from as string)) ?? NO_ROWS)
  }

  /** The `groupBy` of a table over which this node aggregates, where the groups can be computed from the rows of that table. */
  #groupedBy(node: CaseNode): CaseNode | undefined {
    const grouped = this.#case.nodes.find(({ id }) => id !== undefined && id === node.from)
    if (grouped?.op !== 'groupBy' || node.store === undefined || !isInvertible(node, grouped)) return undefined
    const above = this.#facts.byId.get(grouped.from as string) as Facts
    if (above.kind !== 'table' || above.inventsOldValues === true) return undefined
    return above.sameness === 'rows' || above.sameness === 'last' ? grouped : undefined
  }

  /** The nodes that must be looked into. */
  #needed(node: CaseNode): CaseNode[] {
    const sameness = this.#facts.byId.get(node.id ?? '')?.sameness
    if (node.op === 'suppress' || (node.op === 'toStream' && (sameness === 'rows' || sameness === 'last')))
      return [node]
    const above = node.op === 'transformValues' ? node.from : this.#groupedBy(node)?.from
    const needed = new Set<unknown>(this.#facts.byId.get(node.id ?? '')?.remainders ?? []).add(above)
    return this.#case.nodes.filter(
      ({ id }) => id !== undefined && needed.has(id) && this.#facts.byId.get(id)?.kind === 'table'
    )
  }
}

/** Deletions are nothing. */
function shown(rows: Rows, key: string, isExact: boolean): unknown {
  const row = rows.get(key)
  if (row === undefined || row.value === null) return undefined
  return isExact ? row : row.value
}

function keysOf(a: Rows, b: Rows): ReadonlySet<string> {
  return new Set([...a.keys(), ...b.keys()])
}

/** Names the stores of aggregations. A cogroup with a named store would name its repartition topics alike. */
function withStoreName(node: CaseNode, index: number, nodes: readonly CaseNode[]): CaseNode {
  const isAggregation = ['count', 'reduce', 'aggregate'].includes(node.op)
  if (!isAggregation || node.store !== undefined) return node
  for (let above = node; ; ) {
    const next = nodes.find(({ id }) => id !== undefined && id === above.from)
    if (next === undefined) break
    if (next.op === 'cogroup') return node
    if (!['windowedBy', 'emitStrategy'].includes(next.op)) break
    above = next
  }
  return { ...node, store: `store-${index}` }
}

function buffersOf(nodes: readonly CaseNode[], topology: Topology): ReadonlyMap<string, string> {
  const numbered = topology.subTopologies
    .flatMap(sub => sub.stores.map(({ name }) => name))
    .filter(name => name.startsWith('KTABLE-SUPPRESS-STATE-STORE-'))
    .sort()
  const suppressing = nodes.filter(({ op }) => op === 'suppress')
  return new Map(
    suppressing.map(({ id, name }) => [
      id as string,
      name === undefined ? (numbered.shift() as string) : `${name}-store`
    ])
  )
}
