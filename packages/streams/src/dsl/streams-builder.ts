import type { Topology } from '../topology/index.ts'
import type { Facades } from './facades.ts'
import { DslGraph } from './graph/dsl-graph.ts'
import { writeTopology } from './graph/write-topology.ts'
import { KGroupedStream } from './kgrouped-stream.ts'
import { KStream } from './kstream.ts'
import { KTable } from './ktable.ts'
import { type ConsumedOptions, stream } from './operators/stream.ts'

const FACADES: Facades = {
  stream: handle => new KStream(handle, FACADES),
  table: handle => new KTable(handle, FACADES),
  groupedStream: handle => new KGroupedStream(handle, FACADES)
}

/**
 * Where a topology begins: sources, and then whatever is called on them.
 *
 * @see Kafka Streams `StreamsBuilder`
 */
export class StreamsBuilder {
  readonly #graph = new DslGraph()

  stream<K, V>(topics: string | readonly string[] | RegExp, options: ConsumedOptions<K, V>): KStream<K, V> {
    return FACADES.stream(stream(this.#graph, topics, options))
  }

  /**
   * The topology so far. Can be called again after adding more.
   *
   * @throws StreamsError with a `TOPOLOGY_` code naming the node at fault.
   */
  build(): Topology {
    return writeTopology(this.#graph)
  }
}
