import { StreamsError } from '../errors.ts'
import type { Serde, SerdeContext, SerdeUse } from '../serde.ts'
import type { Windowed } from '../windowed.ts'
import { deserializeRange } from './deserialize-range.ts'
import { readInt64, writeInt64 } from './int64.ts'

/** Of the serde of windowed keys. */
export interface WindowedKeyOptions {
  /**
   * Size of the windows in milliseconds (of sliding ones the difference): only the start is written, so reading needs it
   * to tell the end.
   */
  readonly sizeMs?: number
}

/** The serde of a windowed key, which also knows the serde of the key inside. */
export interface WindowedKeySerde<K> extends Serde<Windowed<K>> {
  readonly inner: Serde<K>
}

/**
 * The key of a time or sliding window: the bytes of the key, then the start of the window as 8 bytes, big-endian.
 * Tables of windows have it already; it is needed to read such a topic, and where a key was made by hand.
 *
 * Without `sizeMs` the serde can write; keys that it reads get an `endMs` of `Number.MAX_SAFE_INTEGER`, as they get
 * Java's largest long there. A sink with this serde is partitioned by the key inside, so all windows of a key meet.
 *
 * @throws StreamsError `TOPOLOGY_WINDOW_INVALID` for a negative size
 * @see Kafka Streams `WindowedSerdes#timeWindowedSerdeFrom`
 * @example
 * ```ts
 * builder
 *   .stream('clicks-5m', { key: windowedKey(string(), { sizeMs: 300_000 }), value: int64() })
 *   .map(({ key, endMs }, count) => [key, `${count} until minute ${endMs / 60_000}`])
 *   .to('reports', { key: string(), value: string() })
 * ```
 * ```text
 * clicks-5m alice[0,5m):7@4m → reports alice:"7 until minute 5"@4m
 * ```
 */
export function windowedKey<K>(inner: Serde<K>, options: WindowedKeyOptions = {}): WindowedKeySerde<K> {
  const { sizeMs } = options
  if (sizeMs !== undefined && !(Number.isSafeInteger(sizeMs) && sizeMs >= 0)) {
    throw new StreamsError(
      'TOPOLOGY_WINDOW_INVALID',
      `windowedKey() needs a sizeMs of 0 or more, not ${String(sizeMs)}.`
    )
  }
  return new TimeWindowedKeySerde(inner, sizeMs)
}

/** The inner serde, if `serde` is one of windowed keys. */
export function innerKeySerde(serde: Serde<unknown>): Serde<unknown> | undefined {
  return 'inner' in serde && /^(windowed|session)-key\(/.test(serde.name) ? (serde.inner as Serde<unknown>) : undefined
}

class TimeWindowedKeySerde<K> implements WindowedKeySerde<K> {
  readonly name: string
  readonly inner: Serde<K>
  readonly #sizeMs: number | undefined

  constructor(inner: Serde<K>, sizeMs: number | undefined) {
    this.name = `windowed-key(${inner.name})`
    this.inner = inner
    this.#sizeMs = sizeMs
  }

  prepare(context: SerdeContext, use: SerdeUse): Promise<void> | undefined {
    return this.inner.prepare?.(context, use)
  }

  serialize(value: Windowed<K>, context: SerdeContext): Uint8Array {
    const key = this.inner.serialize(value.key, context)
    const bytes = Buffer.allocUnsafe(key.length + 8)
    bytes.set(key, 0)
    writeInt64(bytes, key.length, value.startMs)
    return bytes
  }

  deserialize(bytes: Uint8Array, context: SerdeContext): Windowed<K> {
    return this.deserializeRange(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      0,
      bytes.length,
      context
    )
  }

  deserializeRange(buffer: Buffer, start: number, end: number, context: SerdeContext): Windowed<K> {
    const keyEnd = end - 8
    if (keyEnd < start) {
      throw new StreamsError(
        'RECORD_DESERIALIZE_FAILED',
        `${end - start} bytes are too few for a windowed key, which ends with the 8 bytes of its window's start.`
      )
    }
    const key = deserializeRange(this.inner, buffer, start, keyEnd, context)
    const startMs = readInt64(buffer, keyEnd)
    const endMs = this.#sizeMs === undefined ? Number.MAX_SAFE_INTEGER : startMs + this.#sizeMs
    return { key, startMs, endMs }
  }
}
