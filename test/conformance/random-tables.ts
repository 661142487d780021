import type { CaseNode, ConformanceCase, FnSpec, Json, Step } from './case-format.ts'

interface Table {
  readonly id: string
  readonly isWindowed: boolean
  /** Tables that share none are joined: a join with itself is told of one change twice. */
  readonly topics: ReadonlySet<string>
}

const WINDOWS = [
  { type: 'tumbling', sizeMs: 20, graceMs: 30 },
  { type: 'hopping', sizeMs: 20, advanceMs: 10, graceMs: 0 },
  { type: 'session', gapMs: 10, graceMs: 20 }
] as const
const N: FnSpec = { fn: 'pick', args: ['n'] }

/** A random case in which tables of few keys are filtered, mapped, joined and regrouped, over and over: what a record cache is about. */
export function randomTables(id: string, random: () => number): ConformanceCase {
  const draft = new Draft(random)
  const tables: Table[] = [draft.source(), draft.source(), draft.source()]
  for (let left = draft.below(6) + 1; left > 0; left--) draft.grow(tables)
  for (const table of tables) draft.end(table)
  return {
    id,
    area: 'tables',
    title: 'random tables',
    nodes: draft.nodes,
    steps: draft.steps(),
    expect: { outputs: [], stores: null, describe: null, error: null }
  }
}

class Draft {
  readonly nodes: CaseNode[] = []
  readonly #random: () => number
  readonly #topics: string[] = []
  /** The windows of all aggregations, so that they can be joined. */
  readonly #window: (typeof WINDOWS)[number]

  constructor(random: () => number) {
    this.#random = random
    this.#window = WINDOWS[this.below(WINDOWS.length)] as (typeof WINDOWS)[number]
  }

  below(count: number): number {
    return Math.floor(this.#random() * count)
  }

  source(): Table {
    const topic = `in-${this.#topics.length}`
    this.#topics.push(topic)
    const table = { isWindowed: false, topics: new Set([topic]) }
    if (this.#random() < 0.5) return { ...table, id: this.#add({ op: 'table', topic, ...this.#stored(0.5) }) }
    const records = this.#add({ op: 'stream', topic })
    if (this.#random() < 0.3) return { ...table, id: this.#add({ op: 'toTable', from: records, ...this.#stored(0.5) }) }
    const grouped = this.#add({ op: 'groupByKey', from: records })
    const windowed = this.#add({ op: 'windowedBy', from: grouped, window: this.#window })
    const sum: FnSpec = { fn: 'sumField', args: ['n'] }
    // Values stay objects with the fields of the input. What is deleted of sessions is told wrong, so their sums are never null.
    const aggregation: CaseNode =
      this.#window.type === 'session'
        ? { op: 'aggregate', init: { n: 0, g: 'a' }, aggregator: sum, merger: sum }
        : { op: 'reduce', reducer: this.#oneOf([{ fn: 'maxField', args: ['n'] }, { fn: 'right' }]) }
    const id = this.#add({ ...aggregation, from: windowed, ...this.#stored(0.5) })
    return { ...table, id, isWindowed: true }
  }

  /** One more operator; what it takes may be taken again. */
  grow(tables: Table[]): void {
    const table = tables[this.below(tables.length)] as Table
    const others = tables.filter(
      ({ isWindowed, topics }) => isWindowed === table.isWindowed && topics.isDisjointFrom(table.topics)
    )
    const other = others[this.below(others.length)]
    const from = table.id
    const choice = this.below(8)
    if (choice === 0) tables.push(this.#derived(table, { op: 'filter', predicate: { fn: 'lt', args: ['n', 8] } }))
    else if (choice === 1)
      tables.push(this.#derived(table, { op: 'mapValues', value: { fn: 'addField', args: ['n', 1] } }))
    else if (choice === 2)
      tables.push({ ...table, id: this.#add({ op: 'suppress', from, until: 'timeLimit', timeLimitMs: 20 }) })
    else if (choice === 3) this.#regroup(table)
    else if (choice === 4 && !table.isWindowed && other !== undefined) {
      const op = this.#oneOf(['join', 'leftJoin'])
      const foreignKey = { fn: 'field', args: ['g'] }
      tables.push(this.#join(table, other, { op, from: [from, other.id], foreignKey }))
    } else if (other !== undefined) {
      const op = this.#oneOf(['join', 'leftJoin', 'outerJoin'])
      tables.push(this.#join(table, other, { op, from: [from, other.id] }))
    }
  }

  end({ id }: Table): void {
    const changes = this.#add({ op: 'toStream', from: id })
    this.nodes.push({ op: 'to', from: changes, topic: `out-${id}` })
  }

  steps(): Step[] {
    let time = 0
    return Array.from({ length: 40 }, () => {
      time += this.below(this.#random() < 0.1 ? 40 : 4)
      const value: Json = this.#random() < 0.25 ? null : { n: this.below(12), g: this.#oneOf(['a', 'b', 'c']) }
      const topic = this.#topics[this.below(this.#topics.length)] as string
      const ts = Math.max(0, time - (this.#random() < 0.2 ? this.below(10) : 0))
      return { pipe: { topic, key: this.#oneOf(['a', 'b', 'c']), value, ts } }
    })
  }

  /** A sum of numbers by group, so that a wrong addition or subtraction shows. */
  #regroup(table: Table): void {
    const key: FnSpec = this.#random() < 0.5 ? { fn: 'field', args: ['g'] } : { fn: 'const', args: ['all'] }
    const grouped = this.#add({ op: 'groupBy', from: table.id, key, value: N })
    const [adder, subtractor] = [{ fn: 'sum' }, { fn: 'subtract' }]
    const node: CaseNode = { op: 'aggregate', from: grouped, init: 0, adder, subtractor, ...this.#stored(1) }
    this.end({ ...table, id: this.#add(node), isWindowed: false })
  }

  #derived(table: Table, node: CaseNode): Table {
    return { ...table, id: this.#add({ ...node, from: table.id, ...this.#stored(0.4) }) }
  }

  /** The result has the fields of one side again. */
  #join({ isWindowed, topics }: Table, other: Table, node: CaseNode): Table {
    const joiner: FnSpec = this.#oneOf([{ fn: 'left' }, { fn: 'right' }, { fn: 'maxField', args: ['n'] }])
    const id = this.#add({ ...node, joiner, ...this.#stored(0.4) })
    return { id, isWindowed, topics: topics.union(other.topics) }
  }

  #stored(chance: number): { store?: string } {
    return this.#random() < chance ? { store: `s${this.nodes.length}` } : {}
  }

  #oneOf<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T
  }

  #add(node: CaseNode): string {
    const id = `n${this.nodes.length}`
    this.nodes.push({ ...node, id })
    return id
  }
}
