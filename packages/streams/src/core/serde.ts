/** What a serde is told about the bytes it handles. */
export interface SerdeContext {
  /** The topic of the record; for a state store, the topic of its changelog. */
  readonly topic: string
  readonly isKey: boolean
}

/** What a serde is about to do with the bytes of a topic. */
export type SerdeUse = 'read' | 'write' | 'read-write'

/**
 * Turns values into bytes and back. Null never reaches a serde: a null key or value is a null on the wire.
 *
 * All of it but `prepare` is synchronous. A serde that is made of parts of another must leave out the fast paths of that one, which
 * would be taken instead of its own `serialize` and `deserialize`. What `serialize` returns must not change any more; `deserialize` is given bytes that nobody else has,
 * which it may return or keep.
 *
 * @see Kafka Streams `Serde`
 */
export interface Serde<T> {
  /** Shown in errors and used to recognise two serdes of the same kind; for example `string`. */
  readonly name: string

  /** @throws anything; reported as `RECORD_SERIALIZE_FAILED` with the error as `cause`, but for `SERDE_NOT_READY`: see `prepare`. */
  serialize(value: T, context: SerdeContext): Uint8Array

  /**
   * Optional fast path of `serialize`: writes the bytes to `buffer` from `at` on and returns where they end, an integer, or gives bytes of
   * its own, no part of the buffer, where there is no room for them. It has to look: `Buffer.write` cuts a text off without a word. What
   * lies before `at` stays as it is. Must agree with `serialize`, and must not keep the buffer, which is filled anew after the call.
   *
   * @throws as `serialize`
   */
  serializeInto?(value: T, buffer: Buffer, at: number, context: SerdeContext): number | Uint8Array

  /** @throws anything; reported as `RECORD_DESERIALIZE_FAILED` with the error as `cause`, but for `SERDE_NOT_READY`: see `prepare`. */
  deserialize(bytes: Uint8Array, context: SerdeContext): T

  /**
   * Optional fast path of `deserialize`: reads `buffer[start, end)` without a copy being made for it. Must agree with `deserialize`,
   * and must keep no view of the buffer, which is freed or filled anew after the call.
   */
  deserializeRange?(buffer: Buffer, start: number, end: number, context: SerdeContext): T

  /**
   * Optional. True promises that nobody changes a value that was read, and that its bytes mean the same in every topic. A record that
   * carries such an object on as it was read, to an output or repartition topic whose serde is this same object, is written with the bytes
   * that were read where they are still at hand: not out of a cache or a store, nor by a punctuation, where `serialize` is called.
   */
  readonly keepsBytes?: boolean

  /**
   * Optional, for serdes that have to ask somebody, say a schema registry. Called and awaited each time a task is taken over,
   * once its committed offsets are known, for every topic and changelog whose name is known then. Undefined: nothing to wait for.
   *
   * What could not be known beforehand is met on the way of a record, which never waits. Then `serialize` and `deserialize` throw
   * what `serdeNotReady` makes. At a source the record stays where it is until the promise is settled, and is read again; at a sink
   * whose topic is computed it is kept until then; anywhere else the application goes back to its last commit first. A serde that
   * wraps another passes the call and the error on.
   *
   * @throws anything; a StreamsError whose action is `retry` is tried again with a growing wait, others end the application.
   */
  prepare?(context: SerdeContext, use: SerdeUse): Promise<void> | undefined
}

/** A key and a value serde, as sources, sinks, repartition topics and stores take them. */
export interface KeyValueSerdes<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
}
