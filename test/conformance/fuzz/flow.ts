import type { CaseNode, FnSpec, Json } from '../case-format.ts'
import type { Choices } from './choices.ts'

/** What is known of the values: `{n, g, t}` of the input, a whole number, or anything. Decides which functions make sense. */
export type Shape = 'record' | 'number' | 'any'

/** A stream or table of the case that is being made. */
export interface Flow {
  readonly id: string
  readonly kind: 'stream' | 'table'
  readonly shape: Shape
  /** Keys are windows. */
  readonly windowed: boolean
  /** Where its records come from: two flows are combined only if they share none, as the order of their records is not defined otherwise. */
  readonly topics: ReadonlySet<string>
  /** Of a table: versioned ones cannot be suppressed, among other things. */
  readonly versioned?: boolean
  /**
   * What a processor is told of where its record came from would differ: below a pattern, whose topics are one to Kafka Streams'
   * test driver, and below what holds records back; see docs/differences.md.
   */
  readonly hidesOrigin?: boolean
  /** It comes from windows that close, and every step since kept their keys. */
  readonly closes?: boolean
}

/** Nodes of a case under way, and what operators need to be chosen. */
export class CaseDraft {
  readonly nodes: CaseNode[] = []
  /** Topics to send records to. */
  readonly inputs = new Set<string>()
  readonly choices: Choices
  /** The scale of times: windows, delays and the distance of records are about as long. */
  readonly unitMs: number
  #names = 0

  constructor(choices: Choices, unitMs: number) {
    this.choices = choices
    this.unitMs = unitMs
  }

  /** A name that no other thing of the case has. */
  fresh(prefix: string): string {
    return `${prefix}${++this.#names}`
  }

  /** Adds a node and gives its id. */
  add(node: Omit<CaseNode, 'id'>): string {
    const id = this.fresh('n')
    this.nodes.push({ ...node, id } as CaseNode)
    return id
  }

  /** Adds a node that has no result. */
  end(node: CaseNode): void {
    this.nodes.push(node)
  }

  /** Sometimes a name for the operator. */
  named(): { readonly name?: string } {
    return this.choices.chance(20) ? { name: this.fresh('op') } : {}
  }

  /** Mostly a name for the store. */
  stored(percent = 70): { readonly store?: string } {
    return this.choices.chance(percent) ? { store: this.fresh('store') } : {}
  }
}

export function fn(name: string, ...args: Json[]): FnSpec {
  return args.length === 0 ? { fn: name } : { fn: name, args }
}

/** The field that holds a number, for functions that take one. */
export function numberField({ shape }: Flow): string {
  return shape === 'record' ? 'n' : ''
}

export function sharesTopics(a: Flow, b: Flow): boolean {
  return [...a.topics].some(topic => b.topics.has(topic))
}

export function union(...flows: readonly Flow[]): ReadonlySet<string> {
  return new Set(flows.flatMap(({ topics }) => [...topics]))
}
