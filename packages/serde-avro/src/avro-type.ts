import { StreamsError } from '@millrace/streams/core'
import avsc, { type Type } from 'avsc'
import type { AvroSchema } from './avro-schema.ts'
import type { LongAs } from './avro-value.ts'
import { GuardedArrayType, GuardedMapType } from './avsc/guarded-blocks.ts'
import { GuardedEnumType } from './avsc/guarded-enum.ts'
import { BIGINT_TYPE } from './avsc/bigint-type.ts'
import { LOGICAL_TYPES } from './avsc/logical-types.ts'

/** How schemas become types; the same for the one that is read with and those that were written with. */
export interface AvroTypeOptions {
  readonly long: LongAs
}

interface ParseOptions {
  registry: { [name: string]: Type }
  namespace?: string
}

const { types } = avsc

/**
 * The compiled type of a schema.
 *
 * @param references - schemas of named types that this one uses without defining them, those first that others need.
 * @throws StreamsError `SCHEMA_INVALID`
 */
export function avroType(schema: AvroSchema, options: AvroTypeOptions, references: readonly AvroSchema[] = []): Type {
  const parse: ParseOptions & Record<string, unknown> = {
    // Names of types are looked up here, `constructor` too.
    registry: Object.create(null),
    logicalTypes: LOGICAL_TYPES,
    omitRecordMethods: true,
    assertLogicalTypes: false,
    typeHook: (part: unknown, opts: ParseOptions) => chosenType(part, opts, options)
  }
  try {
    for (const reference of references) avsc.Type.forSchema(reference as never, parse)
    return avsc.Type.forSchema(schema as never, parse)
  } catch (cause) {
    const text = JSON.stringify(schema) ?? String(schema)
    throw new StreamsError(
      'SCHEMA_INVALID',
      `This is no Avro schema: ${messageOf(cause)}. It begins with ${text.slice(0, 120)}. Mend it.`,
      { cause, details: { schema } }
    )
  }
}

/** Where avsc's own type of a part of a schema would not do. */
function chosenType(part: unknown, opts: ParseOptions, { long }: AvroTypeOptions): unknown {
  if (Array.isArray(part)) return unionType(part, opts, long)
  if (long === 'bigint' && isPlainLong(part)) return BIGINT_TYPE
  if (typeof part !== 'object' || part === null) return undefined
  const { type } = part as { type?: unknown }
  if (type === 'array') return new GuardedArrayType(part as never, opts)
  if (type === 'map') return new GuardedMapType(part as never, opts)
  if (type === 'enum') return new GuardedEnumType(part as never, opts)
  // A type may be defined where another only names it: { type: { type: … } }, or [ … ].
  if (typeof type === 'object' && type !== null && !('logicalType' in part)) {
    return avsc.Type.forSchema(type as never, opts as never)
  }
  return undefined
}

function isPlainLong(part: unknown): boolean {
  if (part === 'long') return true
  const { type, logicalType } = (part ?? {}) as { type?: unknown; logicalType?: unknown }
  return type === 'long' && logicalType !== 'timestamp-millis'
}

function unionType(branches: readonly unknown[], opts: ParseOptions, long: LongAs): Type {
  const branchTypes = branches.map(branch => avsc.Type.forSchema(branch as never, opts as never))
  const kinds = branchTypes.map(type => kindOf(type, long))
  const isAmbiguous = new Set(kinds).size < kinds.length
  const Union = isAmbiguous ? types.WrappedUnionType : types.UnwrappedUnionType
  return new Union(branchTypes as never, opts)
}

/** What tells values of a branch from those of others; types say the same as `KindOf`. */
function kindOf(type: Type, long: LongAs): string {
  switch (type.typeName) {
    case 'int':
    case 'float':
    case 'double':
      return 'number'
    case 'long':
    case 'abstract:long':
      return long
    case 'bytes':
    case 'fixed':
      return 'buffer'
    case 'enum':
    case 'logical:decimal':
    case 'logical:uuid':
      return 'string'
    case 'map':
    case 'record':
    case 'error':
    case 'logical:date':
    case 'logical:timestamp-millis':
      return 'object'
    default:
      return type.typeName
  }
}

export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replace(/\.$/, '')
}
