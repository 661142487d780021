import type { Change } from '../change.ts'
import { StreamsError } from '../errors.ts'
import type { Serde, SerdeContext, SerdeUse } from '../serde.ts'
import { deserializeRange } from './deserialize-range.ts'

/**
 * A row's change on its way through the repartition topic of a grouped table, in Kafka Streams' layout:
 *
 *     old value, 0 | new value, 1 | length of new (zigzag varint), new value, old value, 2
 *
 * and, as some versions write it, with one byte "is latest" before the last: flags 3, 4 and 5.
 *
 * @see Kafka Streams `ChangedSerializer`, `ChangedDeserializer`
 */
export function changeSerde<V>(inner: Serde<V>): Serde<Change<V>> {
  return new ChangeSerde(inner)
}

class ChangeSerde<V> implements Serde<Change<V>> {
  readonly name: string
  readonly #inner: Serde<V>

  constructor(inner: Serde<V>) {
    this.name = `change(${inner.name})`
    this.#inner = inner
  }

  prepare(context: SerdeContext, use: SerdeUse): Promise<void> | undefined {
    return this.#inner.prepare?.(context, use)
  }

  serialize(change: Change<V>, context: SerdeContext): Uint8Array {
    const after = change.after === null ? undefined : this.#inner.serialize(change.after, context)
    const before = change.before === null ? undefined : this.#inner.serialize(change.before, context)
    if (after !== undefined && before !== undefined) {
      const bytes = Buffer.allocUnsafe(5 + after.length + before.length + 1)
      let at = writeVarint(bytes, after.length)
      bytes.set(after, at)
      at += after.length
      bytes.set(before, at)
      at += before.length
      bytes[at++] = 2
      return bytes.subarray(0, at)
    }
    const only = after ?? before
    if (only === undefined) {
      throw new StreamsError('RECORD_SERIALIZE_FAILED', 'A change without an old and a new value cannot be written.')
    }
    const bytes = Buffer.allocUnsafe(only.length + 1)
    bytes.set(only, 0)
    bytes[only.length] = after === undefined ? 0 : 1
    return bytes
  }

  deserialize(bytes: Uint8Array, context: SerdeContext): Change<V> {
    return this.deserializeRange(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      0,
      bytes.length,
      context
    )
  }

  deserializeRange(buffer: Buffer, start: number, end: number, context: SerdeContext): Change<V> {
    const flag = end > start ? (buffer[end - 1] as number) : -1
    if (flag < 0 || flag > 5) {
      throw new StreamsError('RECORD_DESERIALIZE_FAILED', `A change of a row ends with a flag of 0 to 5, not ${flag}.`)
    }
    const valuesEnd = flag < 3 ? end - 1 : end - 2
    const isLatest = flag < 3 || buffer[end - 2] === 1
    switch (flag % 3) {
      case 0:
        return { before: this.#read(buffer, start, valuesEnd, context), after: null, isLatest }
      case 1:
        return { before: null, after: this.#read(buffer, start, valuesEnd, context), isLatest }
      default: {
        const [length, from] = readVarint(buffer, start)
        const split = from + length
        const before = this.#read(buffer, split, valuesEnd, context)
        return { before, after: this.#read(buffer, from, split, context), isLatest }
      }
    }
  }

  #read(buffer: Buffer, start: number, end: number, context: SerdeContext): V {
    return deserializeRange(this.#inner, buffer, start, end, context)
  }
}

/** Writes a length as zigzag varint at the front; returns how many bytes it took. */
function writeVarint(bytes: Buffer, length: number): number {
  let rest = (length << 1) >>> 0
  let at = 0
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[at++] = rest
  return at
}

function readVarint(buffer: Buffer, start: number): [length: number, end: number] {
  let value = 0
  for (let at = start, shift = 0; shift < 35; shift += 7) {
    const byte = buffer[at++] ?? 0
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) return [value >>> 1, at]
  }
  throw new StreamsError('RECORD_DESERIALIZE_FAILED', 'The length in a change of a row is no varint.')
}
