import type { Serde, SerdeContext } from '../serde.ts'
import { serialized } from './serialized.ts'

/** Where the value's bytes end in `buffer`, in which they begin at `at`; or its bytes, of a serde that does not write into buffers. */
export function serializeInto<T>(
  serde: Serde<T>,
  value: T,
  buffer: Buffer,
  at: number,
  context: SerdeContext
): number | Uint8Array {
  if (serde.serializeInto === undefined) return serialized(serde.serialize(value, context))
  const end = serde.serializeInto(value, buffer, at, context)
  if (typeof end !== 'number') return serialized(end)
  if (end >= at && end <= buffer.length) return end
  throw new TypeError(`serializeInto() returned ${end}, which is not between ${at} and ${buffer.length}`)
}
