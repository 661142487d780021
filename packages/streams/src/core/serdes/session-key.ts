import { StreamsError } from '../errors.ts'
import type { Serde, SerdeContext, SerdeUse } from '../serde.ts'
import type { Windowed } from '../windowed.ts'
import { deserializeRange } from './deserialize-range.ts'
import { readInt64, writeInt64 } from './int64.ts'
import type { WindowedKeySerde } from './windowed-key.ts'

const BOUNDS_BYTES = 16

/**
 * The key of a session: the bytes of the key, then the end and the start of the session as 8 bytes each, big-endian.
 * Tables of sessions have it already; it is needed to read such a topic, and where a key was made by hand.
 *
 * A sink with this serde is partitioned by the key inside, so all sessions of a key meet.
 *
 * @see Kafka Streams `WindowedSerdes#sessionWindowedSerdeFrom`
 * @example
 * ```ts
 * builder
 *   .stream('visits', { key: sessionKey(string()), value: int64() })
 *   .map(({ key, startMs, endMs }) => [key, endMs - startMs])
 *   .to('durations', { key: string(), value: int64() })
 * ```
 * ```text
 * visits alice[0,1m30s]:7@90s → durations alice:90000@1m30s
 * ```
 */
export function sessionKey<K>(inner: Serde<K>): WindowedKeySerde<K> {
  return new SessionKeySerde(inner)
}

class SessionKeySerde<K> implements WindowedKeySerde<K> {
  readonly name: string
  readonly inner: Serde<K>

  constructor(inner: Serde<K>) {
    this.name = `session-key(${inner.name})`
    this.inner = inner
  }

  prepare(context: SerdeContext, use: SerdeUse): Promise<void> | undefined {
    return this.inner.prepare?.(context, use)
  }

  serialize(value: Windowed<K>, context: SerdeContext): Uint8Array {
    const key = this.inner.serialize(value.key, context)
    const bytes = Buffer.allocUnsafe(key.length + BOUNDS_BYTES)
    bytes.set(key, 0)
    writeInt64(bytes, key.length, value.endMs)
    writeInt64(bytes, key.length + 8, value.startMs)
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
    const keyEnd = end - BOUNDS_BYTES
    if (keyEnd < start) {
      throw new StreamsError(
        'RECORD_DESERIALIZE_FAILED',
        `${end - start} bytes are too few for the key of a session, which ends with the 16 bytes of its bounds.`
      )
    }
    const key = deserializeRange(this.inner, buffer, start, keyEnd, context)
    return { key, startMs: readInt64(buffer, keyEnd + 8), endMs: readInt64(buffer, keyEnd) }
  }
}
