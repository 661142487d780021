import { checkOptions, StreamsError } from '@millrace/streams/core'
import type { LongAs } from './avro-value.ts'

/** How the values of a schema are represented. */
export interface AvroOptions<L extends LongAs = LongAs> {
  /**
   * `number`, the default, refuses to read or write a `long` that a number cannot hold exactly (beyond 2^53); `bigint` holds
   * all 64 bits, at some cost.
   */
  readonly long?: L | undefined
}

export const AVRO_OPTIONS = ['long']

export function longOf(where: string, options: AvroOptions): LongAs {
  const { long = 'number' } = options
  if (long === 'number' || long === 'bigint') return long
  throw new StreamsError('CONFIG_INVALID', `${where} has no long '${String(long)}'. Choose 'number' or 'bigint'.`)
}

export function checkAvroOptions(where: string, options: AvroOptions, more: readonly string[] = []): LongAs {
  checkOptions(where, options, [...AVRO_OPTIONS, ...more])
  return longOf(where, options)
}
