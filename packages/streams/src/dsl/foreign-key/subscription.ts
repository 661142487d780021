import type { Serde, SerdeContext } from '../../core/index.ts'

/** What the other table's task is to do with a subscription. The numbers are on the wire. */
export const DELETE_SILENTLY = 0
export const DELETE_AND_ANSWER = 1
export const ANSWER_ALWAYS = 2
export const ANSWER_IF_FOUND = 3
export type Instruction =
  | typeof DELETE_SILENTLY
  | typeof DELETE_AND_ANSWER
  | typeof ANSWER_ALWAYS
  | typeof ANSWER_IF_FOUND

/**
 * A row of the first table tells the other, under its foreign key, that it wants to hear of the row there.
 *
 * @see Kafka Streams `SubscriptionWrapper`
 */
export interface Subscription<K> {
  /** Of the row's value; null: it was deleted. */
  readonly hash: Uint8Array | null
  readonly instruction: Instruction
  readonly primaryKey: K
  /** Where the answer has to go. Undefined when the subscription was written by Kafka Streams before 3.4. */
  readonly primaryPartition: number | undefined
}

/**
 * What the other table answers.
 *
 * @see Kafka Streams `SubscriptionResponseWrapper`
 */
export interface SubscriptionAnswer<VO> {
  /** Of the subscription: tells whether the row has changed meanwhile. */
  readonly hash: Uint8Array | null
  readonly foreignValue: VO | null
  /** Not on the wire. */
  readonly primaryPartition: number | undefined
}

/**
 * Header of the answer that the other table's row was deleted: the bytes of its key. An answer that came too late for the value
 * it was asked for is still true for a row that refers to that key.
 */
export const DELETED_FOREIGN_KEY = '__deleted-foreign-key'

const VERSION = 1
const HASH_IS_NULL = 0x80
const HASH_BYTES = 16

/**
 *     version, instruction, hash (16, or absent), primary key, partition (4)
 *
 * @see Kafka Streams `SubscriptionWrapperSerde`
 */
export function subscriptionSerde<K>(primaryKey: Serde<K>): Serde<Subscription<K>> {
  return {
    name: `subscription(${primaryKey.name})`,
    prepare: (context, use) => primaryKey.prepare?.(primaryKeyContext(context.topic), use),
    serialize({ hash, instruction, primaryKey: key, primaryPartition }, context) {
      const keyBytes = primaryKey.serialize(key, primaryKeyContext(context.topic))
      const keyAt = hash === null ? 2 : 2 + HASH_BYTES
      const bytes = Buffer.allocUnsafe(keyAt + keyBytes.length + 4)
      bytes[0] = hash === null ? VERSION | HASH_IS_NULL : VERSION
      bytes[1] = instruction
      if (hash !== null) bytes.set(hash, 2)
      bytes.set(keyBytes, keyAt)
      bytes.writeInt32BE(primaryPartition ?? 0, keyAt + keyBytes.length)
      return bytes
    },
    deserialize(given, context) {
      const bytes = Buffer.from(given.buffer, given.byteOffset, given.length)
      const flags = bytes.readUInt8(0)
      const version = flags & ~HASH_IS_NULL
      if (version > VERSION) throw new Error(`a subscription of version ${version}; known are 0 and ${VERSION}`)
      const keyAt = (flags & HASH_IS_NULL) === 0 ? 2 + HASH_BYTES : 2
      const keyEnd = version === 0 ? bytes.length : bytes.length - 4
      return {
        hash: keyAt === 2 ? null : new Uint8Array(bytes.subarray(2, keyAt)),
        instruction: bytes.readUInt8(1) as Instruction,
        primaryKey: primaryKey.deserialize(bytes.subarray(keyAt, keyEnd), primaryKeyContext(context.topic)),
        primaryPartition: version === 0 ? undefined : bytes.readInt32BE(keyEnd)
      }
    }
  }
}

/**
 * Of the topic of registrations: with it are prepared the serdes that the processors before and behind the topic call by themselves.
 */
export function registrationSerde(
  primaryKey: Serde<any>,
  foreignKey: Serde<any>,
  value: Serde<any>
): Serde<Subscription<any>> {
  const inner = subscriptionSerde(primaryKey)
  return {
    ...inner,
    async prepare({ topic }, use) {
      const primary = primaryKeyContext(topic)
      if (use !== 'write') await primaryKey.prepare?.(primary, 'read')
      await primaryKey.prepare?.(primary, 'write')
      await foreignKey.prepare?.(foreignKeyContext(topic), 'write')
      if (use !== 'read') await value.prepare?.(hashContext(topic), 'write')
    }
  }
}

/**
 *     version, hash (16, or absent), foreign value (or nothing)
 *
 * @see Kafka Streams `SubscriptionResponseWrapperSerde`
 */
export function subscriptionAnswerSerde<VO>(foreignValue: Serde<VO>): Serde<SubscriptionAnswer<VO>> {
  return {
    name: `subscription-answer(${foreignValue.name})`,
    prepare: (context, use) => foreignValue.prepare?.(context, use),
    serialize({ hash, foreignValue: value }, context) {
      const valueBytes = value === null ? undefined : foreignValue.serialize(value, context)
      const valueAt = hash === null ? 1 : 1 + HASH_BYTES
      const bytes = Buffer.allocUnsafe(valueAt + (valueBytes?.length ?? 0))
      bytes[0] = hash === null ? HASH_IS_NULL : 0
      if (hash !== null) bytes.set(hash, 1)
      if (valueBytes !== undefined) bytes.set(valueBytes, valueAt)
      return bytes
    },
    deserialize(bytes, context) {
      const flags = bytes[0] as number
      if ((flags & ~HASH_IS_NULL) !== 0) throw new Error(`an answer of version ${flags & ~HASH_IS_NULL}; known is 0`)
      const valueAt = (flags & HASH_IS_NULL) === 0 ? 1 + HASH_BYTES : 1
      return {
        hash: valueAt === 1 ? null : new Uint8Array(bytes.subarray(1, valueAt)),
        foreignValue: bytes.length === valueAt ? null : foreignValue.deserialize(bytes.subarray(valueAt), context),
        primaryPartition: undefined
      }
    }
  }
}

/** Serdes are told a topic that stands for the primary keys within the values of a topic: `<topic>-pk`. */
function primaryKeyContext(topic: string): SerdeContext {
  return { topic: `${topic}-pk`, isKey: true }
}

/** Of foreign keys that are compared and stored; `topic` is that of the registrations. */
export function foreignKeyContext(topic: string): SerdeContext {
  return { topic: `${topic}-fk`, isKey: true }
}

/** Of values that are hashed; `topic` is that of the registrations. */
export function hashContext(topic: string): SerdeContext {
  return { topic: `${topic}-vh`, isKey: false }
}

/** The keys of the subscription store: `length of the foreign key (4), foreign key, primary key`. */
export class SubscriptionKeys<K, KO> {
  readonly #foreignKey: Serde<KO>
  readonly #primaryKey: Serde<K>
  readonly #foreignContext: SerdeContext
  readonly #primaryContext: SerdeContext

  constructor(foreignKey: Serde<KO>, primaryKey: Serde<K>, topic: string) {
    this.#foreignKey = foreignKey
    this.#primaryKey = primaryKey
    this.#foreignContext = foreignKeyContext(topic)
    this.#primaryContext = primaryKeyContext(topic)
  }

  foreignBytes(foreignKey: KO): Uint8Array {
    return this.#foreignKey.serialize(foreignKey, this.#foreignContext)
  }

  keyBytes(foreignKey: KO, primaryKey: K): Uint8Array {
    return concatenated(this.foreignBytes(foreignKey), this.#primaryKey.serialize(primaryKey, this.#primaryContext))
  }

  /** Of all subscriptions to a row. The length in front keeps one foreign key from being the prefix of another. */
  prefixBytes(foreignKey: KO): Uint8Array {
    return concatenated(this.foreignBytes(foreignKey), undefined)
  }
}

function concatenated(foreign: Uint8Array, primary: Uint8Array | undefined): Uint8Array {
  const bytes = Buffer.allocUnsafe(4 + foreign.length + (primary?.length ?? 0))
  bytes.writeInt32BE(foreign.length, 0)
  bytes.set(foreign, 4)
  if (primary !== undefined) bytes.set(primary, 4 + foreign.length)
  return bytes
}
