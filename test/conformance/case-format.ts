/** A function of the case format: a name and its arguments. */
export interface FnSpec {
  readonly fn: string
  readonly args?: readonly Json[]
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

export interface WindowSpec {
  readonly type: string
  readonly sizeMs?: number
  readonly advanceMs?: number
  readonly differenceMs?: number
  readonly gapMs?: number
  readonly startMs?: number
  readonly graceMs?: number
  readonly beforeMs?: number
  readonly afterMs?: number
}

/** A processor of `process` or `processValues`. Which fields there are depends on `type`. */
export interface CaseProcessor {
  readonly type: string
  readonly store?: string
  readonly field?: string
  readonly lookbackMs?: number
  readonly gapMs?: number
  readonly lagMs?: number
  readonly deltaMs?: number
  readonly header?: readonly [string, string]
  readonly copies?: number
  readonly spacingMs?: number
  readonly punctuation?: string
  readonly intervalMs?: number
  readonly limit?: number
  readonly clear?: boolean
}

/** A step of the topology. Which fields there are depends on `op`. */
export interface CaseNode {
  readonly op: string
  readonly id?: string
  readonly from?: string | readonly string[]
  readonly name?: string
  readonly store?: string
  readonly topic?: string
  readonly topics?: readonly string[]
  readonly topicPattern?: string
  readonly topicFrom?: FnSpec
  readonly timestampField?: string
  readonly historyMs?: number
  readonly retentionMs?: number
  readonly graceMs?: number
  readonly predicate?: FnSpec
  readonly key?: FnSpec
  readonly value?: FnSpec
  readonly flat?: FnSpec
  readonly branches?: readonly { readonly name: string; readonly predicate: FnSpec }[]
  readonly default?: string | false
  readonly window?: WindowSpec
  readonly init?: Json
  readonly aggregator?: FnSpec
  readonly merger?: FnSpec
  readonly reducer?: FnSpec
  readonly strategy?: string
  readonly until?: string
  readonly timeLimitMs?: number
  readonly buffer?: { readonly maxRecords?: number; readonly whenFull?: 'emitEarly' | 'shutDown' }
  readonly adder?: FnSpec
  readonly subtractor?: FnSpec
  readonly joiner?: FnSpec
  readonly foreignKey?: FnSpec
  readonly processor?: CaseProcessor
  readonly stores?: readonly string[]
  /** Of an added store. */
  readonly type?: string
  readonly windowMs?: number
}

export interface PipeStep {
  readonly topic: string
  readonly key?: string | null
  readonly value?: Json
  readonly ts: number
  readonly headers?: readonly (readonly [string, string])[]
  readonly rawKey?: string
  readonly rawValue?: string
}

export type Step = { readonly pipe: PipeStep } | { readonly advanceWallClockMs: number }

export interface Output {
  readonly step: number
  readonly topic: string
  readonly key: string | null
  readonly value: Json
  readonly ts: number
  readonly headers: readonly (readonly [string, string])[]
}

export interface ConformanceCase {
  readonly id: string
  readonly area: string
  readonly title: string
  readonly config?: { readonly deserialization?: string; readonly processing?: string; readonly optimization?: string }
  readonly wallClockStartMs?: number
  readonly versionedAsOf?: readonly number[]
  readonly nodes: readonly CaseNode[]
  readonly steps: readonly Step[]
  readonly expect: {
    readonly outputs: readonly Output[]
    readonly stores: Readonly<Record<string, readonly Readonly<Record<string, Json>>[]>> | null
    readonly describe: string | null
    readonly error: { readonly step: number; readonly type: string; readonly rootCause: string } | null
  }
}
