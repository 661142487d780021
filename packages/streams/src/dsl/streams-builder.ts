import type { StoreSpec, Topology } from '../topology/index.ts'
import { BranchedKStream } from './branched-kstream.ts'
import { CogroupedKStream } from './cogrouped-kstream.ts'
import type { Facades } from './facades.ts'
import { DslGraph } from './graph/dsl-graph.ts'
import { GraphNode } from './graph/graph-node.ts'
import { type BuildOptions, writeTopology } from './graph/write-topology.ts'
import { GlobalKTable } from './global-ktable.ts'
import { KGroupedStream } from './kgrouped-stream.ts'
import { KGroupedTable } from './kgrouped-table.ts'
import { KStream } from './kstream.ts'
import { KTable } from './ktable.ts'
import { type GlobalTableOptions, globalTable } from './operators/global-table.ts'
import { type ConsumedOptions, stream } from './operators/stream.ts'
import { type TableOptions, table } from './operators/table.ts'
import { SessionWindowedCogroupedKStream } from './session-windowed-cogrouped-kstream.ts'
import { SessionWindowedKStream } from './session-windowed-kstream.ts'
import { TimeWindowedCogroupedKStream } from './time-windowed-cogrouped-kstream.ts'
import { TimeWindowedKStream } from './time-windowed-kstream.ts'

const FACADES: Facades = {
  stream: handle => new KStream(handle, FACADES),
  branched: handle => new BranchedKStream(handle, FACADES),
  groupedStream: handle => new KGroupedStream(handle, FACADES),
  timeWindowed: handle => new TimeWindowedKStream(handle, FACADES),
  sessionWindowed: handle => new SessionWindowedKStream(handle, FACADES),
  cogrouped: handle => new CogroupedKStream(handle, FACADES),
  timeWindowedCogrouped: handle => new TimeWindowedCogroupedKStream(handle, FACADES),
  sessionWindowedCogrouped: handle => new SessionWindowedCogroupedKStream(handle, FACADES),
  table: handle => new KTable(handle, FACADES),
  groupedTable: handle => new KGroupedTable(handle, FACADES)
}

/**
 * Where a topology begins: sources, and then whatever is called on them.
 *
 * @see Kafka Streams `StreamsBuilder`
 */
export class StreamsBuilder {
  readonly #graph = new DslGraph()

  /** Reads one topic, several, or all whose names match a pattern as a whole. */
  stream<K, V>(topics: string | readonly string[] | RegExp, options: ConsumedOptions<K, V>): KStream<K, V> {
    return FACADES.stream(stream(this.#graph, topics, options))
  }

  /** Reads a topic as a table: each record sets the value of its key, a null value deletes it. */
  table<K, V>(topic: string, options: TableOptions<K, V>): KTable<K, V> {
    return FACADES.table(table(this.#graph, topic, options))
  }

  /** Reads a topic as a table that every instance holds as a whole, to be joined by any key. */
  globalTable<K, V>(topic: string, options: GlobalTableOptions<K, V>): GlobalKTable<K, V> {
    return new GlobalKTable(globalTable(this.#graph, topic, options))
  }

  /**
   * Adds a store for processors, which name it: `stream.process(supplier, { stores: ['seen'] })`. Those that share a store
   * become part of one sub-topology.
   *
   * @param store - made by `keyValueStore()`, `windowStore()`, `sessionStore()` and so on.
   * @see Kafka Streams `StreamsBuilder#addStateStore`
   */
  addStateStore(store: StoreSpec): this {
    this.#graph.names.give(store.name)
    this.#graph.add(new GraphNode(store.name, { kind: 'state-store', store }), this.#graph.root)
    return this
  }

  /**
   * The topology so far. Can be called again after adding more.
   *
   * @throws StreamsError with a `TOPOLOGY_` code naming the node at fault.
   */
  build(options: BuildOptions = {}): Topology {
    return writeTopology(this.#graph, options)
  }
}
