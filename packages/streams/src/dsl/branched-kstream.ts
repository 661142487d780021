import type { Facades } from './facades.ts'
import type { KStream } from './kstream.ts'
import { addBranch, type SplitHandle } from './operators/split.ts'

/**
 * A stream that is being split. Each record goes down the first branch whose predicate holds.
 *
 * @typeParam B - the branches so far, by name.
 * @see Kafka Streams `BranchedKStream`
 */
export class BranchedKStream<K, V, B extends Readonly<Record<string, KStream<K, V>>> = Readonly<Record<never, never>>> {
  readonly #handle: SplitHandle<K, V>
  readonly #facades: Facades
  readonly #branches: Record<string, KStream<K, V>> = Object.create(null)

  constructor(handle: SplitHandle<K, V>, facades: Facades) {
    this.#handle = handle
    this.#facades = facades
  }

  /**
   * Adds a branch for the records that no earlier branch took and for which the predicate holds.
   *
   * @param name - Key of the branch in the result, and end of its node's name. Letters, digits, `.`, `_`, `-`.
   * @param predicate - Also called for null keys and null values. Synchronous.
   */
  branch<N extends string>(
    name: N,
    predicate: (key: K, value: V) => boolean
  ): BranchedKStream<K, V, B & { readonly [P in N]: KStream<K, V> }> {
    this.#branches[name] = this.#facades.stream(addBranch(this.#handle, name, predicate))
    return this as unknown as BranchedKStream<K, V, B & { readonly [P in N]: KStream<K, V> }>
  }

  /** Ends the split with a branch for all other records. */
  defaultBranch<N extends string>(name: N): B & { readonly [P in N]: KStream<K, V> } {
    this.#branches[name] = this.#facades.stream(addBranch(this.#handle, name, undefined))
    return this.#branches as unknown as B & { readonly [P in N]: KStream<K, V> }
  }

  /** Ends the split; records that no branch took go nowhere. */
  noDefaultBranch(): B {
    return this.#branches as unknown as B
  }
}
