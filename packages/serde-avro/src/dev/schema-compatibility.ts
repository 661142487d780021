import type { AvroSchema } from '../avro-schema.ts'
import { avroType, messageOf } from '../avro-type.ts'

/** What a new version of a subject has to agree with, as Confluent's registry calls it. */
export type Compatibility =
  | 'NONE'
  | 'BACKWARD'
  | 'BACKWARD_TRANSITIVE'
  | 'FORWARD'
  | 'FORWARD_TRANSITIVE'
  | 'FULL'
  | 'FULL_TRANSITIVE'

export const COMPATIBILITIES: readonly string[] = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE'
] satisfies Compatibility[]

/** A schema with those of the names that it uses without defining them. */
export interface WholeSchema {
  readonly schema: AvroSchema
  readonly references: readonly AvroSchema[]
}

/** Why `schema` may not follow `versions`; empty when it may. */
export function incompatibilities(
  schema: WholeSchema,
  versions: readonly WholeSchema[],
  compatibility: Compatibility
): string[] {
  const compared = compatibility.endsWith('_TRANSITIVE') ? versions : versions.slice(-1)
  const [direction] = compatibility.split('_')
  const reasons: string[] = []
  for (const version of compared) {
    if (direction === 'BACKWARD' || direction === 'FULL') reasons.push(...whyUnreadable(schema, version, 'new', 'old'))
    if (direction === 'FORWARD' || direction === 'FULL') reasons.push(...whyUnreadable(version, schema, 'old', 'new'))
  }
  return reasons
}

function whyUnreadable(reader: WholeSchema, writer: WholeSchema, readerIs: string, writerIs: string): string[] {
  try {
    typeOf(reader).createResolver(typeOf(writer), { ignoreNamespaces: true })
    return []
  } catch (error) {
    return [`the ${readerIs} schema cannot read values of the ${writerIs} one: ${messageOf(error)}`]
  }
}

function typeOf({ schema, references }: WholeSchema) {
  return avroType(schema, { long: 'number' }, references)
}
