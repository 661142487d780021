import type { Serde, SerdeContext } from '../serde.ts'

/** Reads `buffer[start, end)`. A serde that does not read ranges gets bytes of its own: it may well return them as they are. */
export function deserializeRange<T>(
  serde: Serde<T>,
  buffer: Buffer,
  start: number,
  end: number,
  context: SerdeContext
): T {
  return serde.deserializeRange === undefined
    ? serde.deserialize(Buffer.from(buffer.subarray(start, end)), context)
    : serde.deserializeRange(buffer, start, end, context)
}
