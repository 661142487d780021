import type { AvroDefinition } from './avro-schema.ts'

/** How `long` is represented. */
export type LongAs = 'number' | 'bigint'

/**
 * What a schema's values are in TypeScript:
 *
 * | Avro | TypeScript |
 * |---|---|
 * | `null`, `boolean`, `string` | the same |
 * | `int`, `float`, `double` | `number` |
 * | `long` | `number`, refused beyond 2^53 either way; or `bigint`, by option |
 * | `bytes`, `fixed` | `Buffer` |
 * | record | an object |
 * | enum | its symbols, as texts |
 * | array, map | an array; an object |
 * | union | the types of its branches, where values tell them apart; else `{ [branch]: value }`, and null |
 * | `date`, `timestamp-millis` | `Date`; a date is midnight, UTC |
 * | `decimal` | its digits as text, `'12.50'`, so that none is lost |
 * | `uuid` | text |
 * | `time-millis` | `number`: milliseconds after midnight |
 * | `time-micros`, `timestamp-micros`, `local-timestamp-…` | as `long` |
 *
 * A schema whose text is not known to the compiler gives `unknown`.
 */
export type AvroValue<S, L extends LongAs = 'number'> = ValueOf<S, Definitions<S>, L>

/** Of a part that is not known to the compiler, every condition below would be followed without end. */
type IsUnknown<S> = AvroDefinition extends S ? true : false

type ValueOf<S, D, L extends LongAs> =
  IsUnknown<S> extends true
    ? unknown
    : S extends readonly unknown[]
      ? UnionOf<S, D, L>
      : S extends string
        ? NamedOf<S, D, L>
        : S extends { readonly type: infer T; readonly logicalType: infer G }
          ? LogicalOf<T, G, S, D, L>
          : S extends { readonly type: infer T }
            ? DefinedOf<T, S, D, L>
            : unknown

interface Primitives<L extends LongAs> {
  null: null
  boolean: boolean
  int: number
  long: L extends 'bigint' ? bigint : number
  float: number
  double: number
  bytes: Buffer
  string: string
}

type NamedOf<S extends string, D, L extends LongAs> = string extends S
  ? unknown
  : S extends keyof Primitives<L>
    ? Primitives<L>[S]
    : Named<S, D> extends infer N
      ? [N] extends [never]
        ? unknown
        : ValueOf<N, D, L>
      : never

type LogicalOf<T, G, S, D, L extends LongAs> = G extends 'date'
  ? T extends 'int'
    ? Date
    : DefinedOf<T, S, D, L>
  : G extends 'timestamp-millis'
    ? T extends 'long'
      ? Date
      : DefinedOf<T, S, D, L>
    : G extends 'decimal'
      ? T extends 'bytes' | 'fixed'
        ? string
        : DefinedOf<T, S, D, L>
      : DefinedOf<T, S, D, L>

type DefinedOf<T, S, D, L extends LongAs> = T extends 'record' | 'error'
  ? S extends { readonly fields: infer F extends readonly unknown[] }
    ? RecordOf<F, D, L>
    : unknown
  : T extends 'enum'
    ? S extends { readonly symbols: readonly (infer Y)[] }
      ? Y
      : unknown
    : T extends 'array'
      ? S extends { readonly items: infer I }
        ? readonly ValueOf<I, D, L>[]
        : unknown
      : T extends 'map'
        ? S extends { readonly values: infer I }
          ? { readonly [key: string]: ValueOf<I, D, L> }
          : unknown
        : T extends 'fixed'
          ? Buffer
          : ValueOf<T, D, L>

type RecordOf<F extends readonly unknown[], D, L extends LongAs> = {
  readonly [N in F[number] as N extends { readonly name: infer Name extends string } ? Name : never]: N extends {
    readonly type: infer T
  }
    ? ValueOf<T, D, L>
    : unknown
}

// ── unions ─────────────────────────────────────────────────────────────────────────────────────────────────────────

type UnionOf<S extends readonly unknown[], D, L extends LongAs> =
  IsAmbiguous<S, D, L> extends true ? WrappedOf<S[number], D, L> : ValueOf<S[number], D, L>

type WrappedOf<B, D, L extends LongAs> = B extends 'null'
  ? null
  : { readonly [N in BranchName<B, D> & string]: ValueOf<B, D, L> }

type IsAmbiguous<S extends readonly unknown[], D, L extends LongAs, Seen = never> = S extends readonly [
  infer B,
  ...infer R
]
  ? KindOf<B, D, L> extends Seen
    ? true
    : IsAmbiguous<R, D, L, Seen | KindOf<B, D, L>>
  : false

interface Kinds<L extends LongAs> {
  null: 'null'
  boolean: 'boolean'
  int: 'number'
  long: L
  float: 'number'
  double: 'number'
  bytes: 'buffer'
  fixed: 'buffer'
  string: 'string'
  enum: 'string'
  array: 'array'
  map: 'object'
  record: 'object'
  error: 'object'
}

/** What tells a branch's values from those of others; `kindOf` in avro-type.ts says the same of types at run time. */
type KindOf<B, D, L extends LongAs> =
  IsUnknown<B> extends true
    ? never
    : B extends keyof Kinds<L>
      ? Kinds<L>[B]
      : B extends string
        ? KindOf<Named<B, D>, D, L>
        : B extends { readonly type: infer T; readonly logicalType: 'date' | 'timestamp-millis' }
          ? T extends 'int' | 'long'
            ? 'object'
            : KindOf<T, D, L>
          : B extends { readonly type: infer T; readonly logicalType: 'decimal' }
            ? T extends 'bytes' | 'fixed'
              ? 'string'
              : KindOf<T, D, L>
            : B extends { readonly type: infer T }
              ? KindOf<T, D, L>
              : never

type BranchName<B, D> =
  IsUnknown<B> extends true
    ? never
    : B extends string
      ? Named<B, D> extends infer N
        ? [N] extends [never]
          ? B
          : FullName<N>
        : never
      : B extends { readonly name: string }
        ? FullName<B>
        : B extends { readonly type: infer T }
          ? BranchName<T, D>
          : never

// ── names ──────────────────────────────────────────────────────────────────────────────────────────────────────────

type FullName<N> = N extends { readonly name: infer Name extends string }
  ? Name extends `${string}.${string}`
    ? Name
    : N extends { readonly namespace: infer Space extends string }
      ? Space extends ''
        ? Name
        : `${Space}.${Name}`
      : Name
  : never

/** The definition in `D` that a name refers to: by its name, its full name, or the last part of either. */
type Named<S extends string, D> = D extends { readonly name: infer N extends string }
  ? S extends N | FullName<D> | `${string}.${N}`
    ? D
    : never
  : never

/** All that is defined with a name anywhere in a schema. */
type Definitions<S> =
  IsUnknown<S> extends true
    ? never
    : S extends readonly unknown[]
      ? Definitions<S[number]>
      : S extends string
        ? never
        : S extends { readonly type: infer T }
          ?
              | (S extends { readonly name: string } ? S : never)
              | (S extends { readonly fields: readonly (infer F)[] } ? DefinitionsOfField<F> : never)
              | (S extends { readonly items: infer I } ? Definitions<I> : never)
              | (S extends { readonly values: infer I } ? Definitions<I> : never)
              | Definitions<T>
          : never

type DefinitionsOfField<F> = F extends { readonly type: infer T } ? Definitions<T> : never
