import { type Headers, readInt64, type Serde, type SerdeContext, StreamsError, writeInt64 } from '../../core/index.ts'

/** Where the update of a key is held (in the order of time), or, without a time, where it can be found. */
export interface BufferKey<K> {
  readonly timeMs: number | undefined
  readonly key: K
}

/** The last update of a key that is held back. */
export interface BufferedChange<V> {
  /** What was last emitted: the old value of the first update held. */
  readonly prior: V | null
  readonly before: V | null
  readonly after: V | null
  readonly timestampMs: number
  readonly headers: Headers
}

/** Of the rows by key: the time by which the update is held. */
export type BufferRow<V> = BufferedChange<V> | number

const BY_KEY = 0
const BY_TIME = 1
/** What the keys of all held updates begin with, in the order of (time, key). */
export const BY_TIME_PREFIX: Uint8Array = Uint8Array.of(BY_TIME)

/** 0 key, or 1 time:i64 key: so rows by time are in the order of (time, bytes of the key). */
export function bufferKeySerde<K>(inner: Serde<K>): Serde<BufferKey<K>> {
  return {
    name: `suppress-buffer-key(${inner.name})`,
    prepare: (context, use) => inner.prepare?.(context, use),
    serialize: ({ timeMs, key }, context) => {
      const keyBytes = inner.serialize(key, context)
      const start = timeMs === undefined ? 1 : 9
      const bytes = new Uint8Array(start + keyBytes.length)
      if (timeMs !== undefined) {
        bytes[0] = BY_TIME
        writeInt64(bytes, 1, timeMs)
      }
      bytes.set(keyBytes, start)
      return bytes
    },
    deserialize: (bytes, context) =>
      bytes[0] === BY_KEY
        ? { timeMs: undefined, key: inner.deserialize(bytes.subarray(1), context) }
        : { timeMs: readInt64(bytes, 1), key: inner.deserialize(bytes.subarray(9), context) }
  }
}

const INT = 4
const TIME_BYTES = 8
const NULL_LENGTH = -1

/**
 * A time as 8 bytes; or a held update: 0, timestamp:i64, then the values prior, before and after and the headers, each part
 * with its length:i32 before it, -1 for null.
 */
export function bufferRowSerde<V>(inner: Serde<V>): Serde<BufferRow<V>> {
  return {
    name: `suppress-buffer(${inner.name})`,
    prepare: (context, use) => inner.prepare?.(context, use),
    serialize: (row, context) => (typeof row === 'number' ? time(row) : new BufferWriter().change(row, inner, context)),
    deserialize: (bytes, context) =>
      bytes.length === TIME_BYTES ? readInt64(bytes, 0) : new BufferReader(bytes).change(inner, context)
  }
}

function time(timeMs: number): Uint8Array {
  const bytes = new Uint8Array(TIME_BYTES)
  writeInt64(bytes, 0, timeMs)
  return bytes
}

class BufferWriter {
  readonly #parts: Uint8Array[] = []

  change<V>(row: BufferedChange<V>, inner: Serde<V>, context: SerdeContext): Uint8Array {
    const head = new Uint8Array(1 + TIME_BYTES)
    writeInt64(head, 1, row.timestampMs)
    this.#parts.push(head)
    for (const value of [row.prior, row.before, row.after]) {
      this.#part(value === null ? null : inner.serialize(value, context))
    }
    for (const [name, value] of row.headers) {
      this.#part(Buffer.from(name, 'utf8'))
      this.#part(value)
    }
    return Buffer.concat(this.#parts)
  }

  #part(bytes: Uint8Array | null): void {
    const length = Buffer.allocUnsafe(INT)
    length.writeInt32BE(bytes === null ? NULL_LENGTH : bytes.length)
    this.#parts.push(length)
    if (bytes !== null) this.#parts.push(bytes)
  }
}

class BufferReader {
  readonly #bytes: Buffer
  #at = 1 + TIME_BYTES

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  change<V>(inner: Serde<V>, context: SerdeContext): BufferedChange<V> {
    const timestampMs = readInt64(this.#bytes, 1)
    const value = (): V | null => {
      const part = this.#part()
      return part === null ? null : inner.deserialize(part, context)
    }
    const prior = value()
    const before = value()
    const after = value()
    const headers: [string, Uint8Array | null][] = []
    while (this.#at < this.#bytes.length) {
      const name = this.#part()?.toString('utf8') ?? ''
      const bytes = this.#part()
      // A copy: the bytes that are read here are not ours.
      headers.push([name, bytes === null ? null : Uint8Array.from(bytes)])
    }
    return { prior, before, after, timestampMs, headers }
  }

  #part(): Buffer | null {
    const length = this.#bytes.readInt32BE(this.#at)
    const start = this.#at + INT
    if (length < 0) {
      this.#at = start
      return null
    }
    this.#at = start + length
    if (this.#at > this.#bytes.length) {
      throw new StreamsError('STATE_CORRUPT', `A part of a held update is ${length} bytes long, which are not there.`)
    }
    return this.#bytes.subarray(start, this.#at)
  }
}
