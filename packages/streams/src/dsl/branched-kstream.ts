import { checkFunction } from './add-step.ts'
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
   * @param predicate - Also called for null keys and null values.
   * @throws StreamsError `TOPOLOGY_INVALID`, `TOPOLOGY_DUPLICATE_NAME`
   * @see Kafka Streams `BranchedKStream#branch`
   * @example
   * ```ts
   * const { text, picture, other } = builder
   *   .stream('uploads', { key: string(), value: string() })
   *   .split({ name: 'by-kind-' })
   *   .branch('text', (_user, file) => file.endsWith('.md'))
   *   .branch('picture', (_user, file) => /\.(png|jpe?g)$/.test(file))
   *   .defaultBranch('other')
   * text.to('texts')
   * picture.to('pictures')
   * other.to('others')
   * ```
   * ```text
   * uploads alice:notes.md@0 → texts alice:notes.md@0
   * uploads alice:cat.png@5s → pictures alice:cat.png@5s
   * uploads bob:song.mp3@9s → others bob:song.mp3@9s
   * ```
   */
  branch<N extends string>(
    name: N,
    predicate: (key: K, value: V) => boolean
  ): BranchedKStream<K, V, B & { readonly [P in N]: KStream<K, V> }> {
    checkFunction('branch', 'predicate', predicate)
    this.#branches[name] = this.#facades.stream(addBranch(this.#handle, name, predicate))
    return this as unknown as BranchedKStream<K, V, B & { readonly [P in N]: KStream<K, V> }>
  }

  /**
   * Ends the split with a branch for all other records, and gives all branches by name.
   *
   * @param name - As in `branch`.
   * @throws StreamsError `TOPOLOGY_INVALID`, `TOPOLOGY_DUPLICATE_NAME`
   * @see Kafka Streams `BranchedKStream#defaultBranch`
   * @example
   * ```ts
   * const { valid, broken } = builder
   *   .stream('readings', { key: string(), value: json<number>() })
   *   .split()
   *   .branch('valid', (_sensor, value) => value >= 0)
   *   .defaultBranch('broken')
   * valid.to('valid-readings')
   * broken.mapValues(value => `broken: ${value}`).to('alarms', { value: string() })
   * ```
   * ```text
   * readings s1:21@0 → valid-readings s1:21@0
   * readings s1:-999@5s → alarms s1:"broken: -999"@5s
   * ```
   */
  defaultBranch<N extends string>(name: N): B & { readonly [P in N]: KStream<K, V> } {
    this.#branches[name] = this.#facades.stream(addBranch(this.#handle, name, undefined))
    return this.#branches as unknown as B & { readonly [P in N]: KStream<K, V> }
  }

  /**
   * Ends the split and gives the branches by name; records that no branch took go nowhere.
   *
   * @see Kafka Streams `BranchedKStream#noDefaultBranch`
   * @example
   * ```ts
   * const { urgent } = builder
   *   .stream('tickets', { key: string(), value: string() })
   *   .split()
   *   .branch('urgent', (_id, text) => text.startsWith('!'))
   *   .noDefaultBranch()
   * urgent.to('urgent-tickets')
   * ```
   * ```text
   * tickets t1:!down@0 → urgent-tickets t1:!down@0
   * tickets t2:slow@5s →
   * ```
   */
  noDefaultBranch(): B {
    return this.#branches as unknown as B
  }
}
