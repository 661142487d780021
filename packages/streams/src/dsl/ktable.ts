import type { Facades } from './facades.ts'
import type { KStream } from './kstream.ts'
import type { NamedOptions } from './materialized.ts'
import type { KeyValueHandle } from './operators/aggregate.ts'
import { toStream } from './operators/to-stream.ts'
import type { AnyStoreHandle, TableHandle } from './table-handle.ts'

/**
 * The latest value of each key, and its changes.
 *
 * @see Kafka Streams `KTable`
 */
export class KTable<K, V, H extends AnyStoreHandle = KeyValueHandle<K, V>> {
  readonly #handle: TableHandle<K, V, H>
  readonly #facades: Facades

  constructor(handle: TableHandle<K, V, H>, facades: Facades) {
    this.#handle = handle
    this.#facades = facades
  }

  toStream(options: NamedOptions = {}): KStream<K, V> {
    return this.#facades.stream(toStream(this.#handle, options))
  }
}
