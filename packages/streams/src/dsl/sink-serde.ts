import type { Serde, SerdeContext } from '../core/index.ts'

/**
 * A serde that can write every `T`. Unlike `Serde<T>`, whose methods TypeScript compares loosely, it refuses one that
 * writes only some of them: `int32()` for a stream of `number | string` does not compile.
 */
export interface SinkSerde<T> {
  readonly name: string
  readonly serialize: (value: T, context: SerdeContext) => Uint8Array
  readonly deserialize: (bytes: Uint8Array, context: SerdeContext) => unknown
}

/**
 * A serde that writes every `T` and reads a `W`, which may be wider: what was narrowed, to one literal say, is written with
 * the serde of the whole type.
 */
export type WiderSerde<T, W> = Serde<NonNullable<W>> & SinkSerde<NonNullable<T>>

/** A serde that writes every `T` and reads nothing else: for what is written and read back as `T`. Null never reaches it. */
export type ExactSerde<T> = Serde<NonNullable<T>> & SinkSerde<NonNullable<T>>
