import type { OrderedKeyValueStore, Serde, SerdeContext } from '../../core/index.ts'

/** Which records wait for a match. Ordered by time, then right before left, then key. */
export interface UnmatchedKey<K> {
  readonly timestampMs: number
  readonly isLeft: boolean
  readonly key: K
}

/** Values of equal key, time and side, in the order of their arrival. */
export type UnmatchedValues = readonly { readonly isLeft: boolean; readonly value: any }[]

export type UnmatchedStore<K> = OrderedKeyValueStore<UnmatchedKey<K>, UnmatchedValues>

const KEY_AT = 9

/**
 *     timestamp (8), left: 1, right: 0, key
 *
 * @see Kafka Streams `TimestampedKeyAndJoinSideSerializer`
 */
export function unmatchedKeySerde<K>(inner: Serde<K>): Serde<UnmatchedKey<K>> {
  return {
    name: `unmatched-key(${inner.name})`,
    prepare: (context, use) => inner.prepare?.(context, use),
    serialize({ timestampMs, isLeft, key }, context) {
      const keyBytes = inner.serialize(key, context)
      const bytes = Buffer.allocUnsafe(KEY_AT + keyBytes.length)
      bytes.writeUInt32BE(Math.floor(timestampMs / 0x1_0000_0000), 0)
      bytes.writeUInt32BE(timestampMs % 0x1_0000_0000, 4)
      bytes[8] = isLeft ? 1 : 0
      bytes.set(keyBytes, KEY_AT)
      return bytes
    },
    deserialize(given, context) {
      const bytes = view(given)
      return {
        timestampMs: bytes.readUInt32BE(0) * 0x1_0000_0000 + bytes.readUInt32BE(4),
        isLeft: bytes[8] === 1,
        key: inner.deserialize(bytes.subarray(KEY_AT), context)
      }
    }
  }
}

/** How Kafka Streams' list serde marks that every element has its own length. */
const VARIABLE_SIZE = 1

/**
 *     1, count (4), then per value: length (4), left: 1, right: 0, value
 *
 * @see Kafka Streams `ListValueStore`, `LeftOrRightValueSerializer`
 */
export function unmatchedValuesSerde(left: Serde<any>, right: Serde<any>): Serde<UnmatchedValues> {
  return {
    name: `unmatched-values(${left.name}, ${right.name})`,
    async prepare(context, use) {
      await left.prepare?.(context, use)
      await right.prepare?.(context, use)
    },
    serialize(values, context: SerdeContext) {
      const parts = values.map(({ isLeft, value }) => (isLeft ? left : right).serialize(value, context))
      const bytes = Buffer.allocUnsafe(5 + parts.reduce((sum, part) => sum + 5 + part.length, 0))
      bytes[0] = VARIABLE_SIZE
      bytes.writeInt32BE(values.length, 1)
      let at = 5
      for (const [index, part] of parts.entries()) {
        bytes.writeInt32BE(part.length + 1, at)
        bytes[at + 4] = values[index]?.isLeft === true ? 1 : 0
        bytes.set(part, at + 5)
        at += 5 + part.length
      }
      return bytes
    },
    deserialize(given, context) {
      const bytes = view(given)
      const values: { isLeft: boolean; value: unknown }[] = []
      let at = 5
      for (let count = bytes.readInt32BE(1); count > 0; count--) {
        const end = at + 4 + bytes.readInt32BE(at)
        const isLeft = bytes[at + 4] === 1
        values.push({ isLeft, value: (isLeft ? left : right).deserialize(bytes.subarray(at + 5, end), context) })
        at = end
      }
      return values
    }
  }
}

function view(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
