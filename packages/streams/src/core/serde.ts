/** What a serde is told about the bytes it handles. */
export interface SerdeContext {
  /** The topic of the record; for a state store, the topic of its changelog. */
  readonly topic: string
  readonly isKey: boolean
}

/**
 * Turns values into bytes and back. Null never reaches a serde: a null key or value is a null on the wire.
 *
 * Both methods are synchronous and must not keep or change the bytes they are given: a view into a fetched batch
 * is reused after the call. What they return is owned by the caller.
 *
 * @see Kafka Streams `Serde`
 */
export interface Serde<T> {
  /** Shown in errors and used to recognise two serdes of the same kind; for example `string`. */
  readonly name: string

  /** @throws anything; reported as `RECORD_SERIALIZE_FAILED` with the error as `cause`. */
  serialize(value: T, context: SerdeContext): Uint8Array

  /** @throws anything; reported as `RECORD_DESERIALIZE_FAILED` with the error as `cause`. */
  deserialize(bytes: Uint8Array, context: SerdeContext): T

  /**
   * Optional fast path of `deserialize`: reads `buffer[start, end)` without a view being made for it.
   * Must agree with `deserialize`.
   */
  deserializeRange?(buffer: Buffer, start: number, end: number, context: SerdeContext): T
}

/** A key and a value serde, as sources, sinks, repartition topics and stores take them. */
export interface KeyValueSerdes<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
}
