import type { Serde, SerdeContext } from '../serde.ts'
import { serialized } from './serialized.ts'

/** Of the longest character. */
const CHARACTER_BYTES = 4

/**
 * Where the value's bytes end in `buffer`, in which they begin at `at`; or its bytes, of a serde that does not write into buffers.
 *
 * @param buffer - with memory of its own, which it shares with nothing that a serde may return
 */
export function serializeInto<T>(
  serde: Serde<T>,
  value: T,
  buffer: Buffer,
  at: number,
  context: SerdeContext
): number | Uint8Array {
  if (serde.serializeInto === undefined) return serialized(serde.serialize(value, context))
  const written = serde.serializeInto(value, buffer, at, context)
  if (typeof written === 'number') {
    if (!Number.isInteger(written) || written < at || written > buffer.length) {
      throw new TypeError(`serializeInto() returned ${written}, which is no place from ${at} to ${buffer.length}`)
    }
    // One that does not look how much room there is has cut its text off there, or before the character that did not fit.
    return buffer.length - written < CHARACTER_BYTES ? serialized(serde.serialize(value, context)) : written
  }
  if (written instanceof Uint8Array && written.buffer !== buffer.buffer) return written
  const what = written instanceof Uint8Array ? 'a part of the buffer' : Object.prototype.toString.call(written)
  throw new TypeError(`serializeInto() returned ${what}, neither where the bytes end nor bytes of their own`)
}
