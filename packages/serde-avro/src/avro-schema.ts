/** An Avro schema as written down in JSON. `as const` (or written in place) keeps its names, from which types are inferred. */
export type AvroSchema = string | AvroUnionSchema | AvroDefinition

export type AvroUnionSchema = readonly AvroSchema[]

export interface AvroField {
  readonly name: string
  readonly type: AvroSchema
  readonly default?: unknown
  readonly aliases?: readonly string[]
  readonly doc?: string
  readonly [attribute: string]: unknown
}

/** Everything but names and unions: `{ type, … }`. */
export interface AvroDefinition {
  readonly type: AvroSchema
  readonly name?: string
  readonly namespace?: string
  readonly fields?: readonly AvroField[]
  readonly symbols?: readonly string[]
  readonly items?: AvroSchema
  readonly values?: AvroSchema
  readonly size?: number
  readonly logicalType?: string
  readonly [attribute: string]: unknown
}
