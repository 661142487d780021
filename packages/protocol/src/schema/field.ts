/** How a value is written. `array` and `struct` carry what they hold; the rest are leaves. */
export type FieldType =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'bigint64'
  | 'string'
  | 'uuid'
  | 'bytes'
  | 'records'
  | 'array'
  | 'struct'

/** In which versions a field exists and what it may be. */
export interface FieldOptions<T> {
  /** First version that has the field. Default: all. */
  readonly from?: number
  /** Last version that has the field. Default: all. */
  readonly to?: number
  /** It may be null. */
  readonly nullable?: true
  /** First version in which it may be null, when not all. */
  readonly nullableFrom?: number
  /** Its number, when it is a tagged field: sent only when it differs from its default. */
  readonly tag?: number
  /** What it is where absent. Default: zero, empty, false. */
  readonly default?: T | null
}

/**
 * One field of a message, as plain data. `In` is what encoding takes, `Out` what decoding yields,
 * `Omittable` whether encoding does without it.
 */
export interface Field<In = unknown, Out = unknown, Omittable extends boolean = boolean> {
  readonly type: FieldType
  readonly options: FieldOptions<unknown>
  /** Of an array: what it holds. */
  readonly element?: AnyField
  /** Of a struct: its fields in wire order. */
  readonly fields?: Fields
  /** Never there; it carries the types. */
  readonly types?: { readonly in: In; readonly out: Out; readonly omittable: Omittable }
}

/** A field of any type. */
export type AnyField = Field<any, any, boolean>

/** Named fields in wire order. */
export interface Fields {
  readonly [name: string]: AnyField
}

type InOf<F> = F extends Field<infer In, infer _Out, infer _Omittable> ? In : never
type OutOf<F> = F extends Field<infer _In, infer Out, infer _Omittable> ? Out : never
type OmittableKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends Field<infer _In, infer _Out, infer Omittable>
    ? Omittable extends true
      ? K
      : never
    : never
}[keyof F]

/** What encoding these fields takes. Fields with a default, or that some versions lack, may be left out. */
export type InputOf<F extends Fields> = {
  readonly [K in Exclude<keyof F, OmittableKeys<F>>]: InOf<F[K]>
} & {
  readonly [K in OmittableKeys<F>]?: InOf<F[K]> | undefined
}

/** What decoding these fields yields: all of them. */
export type OutputOf<F extends Fields> = { [K in keyof F]: OutOf<F[K]> }

type OrNull<T, O> = O extends { readonly nullable: true } | { readonly nullableFrom: number } ? T | null : T
type IsOmittable<O> = O extends
  | { readonly from: number }
  | { readonly to: number }
  | { readonly tag: number }
  | { readonly default: unknown }
  ? true
  : false

function leaf<T>(type: FieldType) {
  return <const O extends FieldOptions<T> = Record<never, never>>(
    options?: O
  ): Field<OrNull<T, O>, OrNull<T, O>, IsOmittable<O>> => ({ type, options: options ?? {} })
}

export const bool = leaf<boolean>('bool')
export const int8 = leaf<number>('int8')
export const int16 = leaf<number>('int16')
export const int32 = leaf<number>('int32')
/** A number; decoding checks it against 2^53. */
export const int64 = leaf<number>('int64')
/** An int64 that uses all its bits: producer ids. */
export const bigint64 = leaf<bigint>('bigint64')
export const string = leaf<string>('string')
/** Kafka's text form: 22 characters of base64url. */
export const uuid = leaf<string>('uuid')
/** Decoded as a view into the frame. */
export const bytes = leaf<Uint8Array>('bytes') as <const O extends FieldOptions<Uint8Array> = Record<never, never>>(
  options?: O
) => Field<OrNull<Uint8Array, O>, OrNull<Buffer, O>, IsOmittable<O>>
/** Record batches, not looked into; encoded also from several pieces, decoded as a view into the frame. */
export const records = leaf<Uint8Array>('records') as <const O extends FieldOptions<Uint8Array> = Record<never, never>>(
  options?: O
) => Field<OrNull<Uint8Array | readonly Uint8Array[], O>, OrNull<Buffer, O>, IsOmittable<O>>

/** An array of leaves (`array(int32())`) or of structs (`array({ name: string() })`). */
export function array<F extends Fields, const O extends FieldOptions<never> = Record<never, never>>(
  element: F,
  options?: O
): Field<OrNull<readonly InputOf<F>[], O>, OrNull<OutputOf<F>[], O>, IsOmittable<O>>
export function array<In, Out, const O extends FieldOptions<never> = Record<never, never>>(
  element: Field<In, Out, false>,
  options?: O
): Field<OrNull<readonly In[], O>, OrNull<Out[], O>, IsOmittable<O>>
export function array(element: AnyField | Fields, options: FieldOptions<never> = {}): AnyField {
  return {
    type: 'array',
    options,
    element: isField(element) ? element : { type: 'struct', options: {}, fields: element }
  }
}

/** Fields of their own, in place. */
export function struct<F extends Fields, const O extends FieldOptions<never> = Record<never, never>>(
  fields: F,
  options?: O
): Field<OrNull<InputOf<F>, O>, OrNull<OutputOf<F>, O>, IsOmittable<O>> {
  return { type: 'struct', options: options ?? {}, fields }
}

function isField(candidate: AnyField | Fields): candidate is AnyField {
  return typeof candidate.type === 'string'
}
