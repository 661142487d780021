import { checkStoreSpec, type StoreSpec, type Topology } from '../topology/index.ts'
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

  /**
   * Reads one topic, several, or all whose names match a pattern as a whole, also those created later. Streams of the
   * same topics share one source.
   *
   * A record without a key or value reaches operators with `null` in its place, though the types leave it out. Nothing
   * is dropped but records whose timestamp is negative. The topics must exist; with a pattern there may be none yet.
   *
   * @param topics - Each topic is read by one source: two streams of it must agree in serdes, extractor and reset.
   * @param options - `key` and `value` are required: there are no default serdes.
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_TOPIC_CONFLICT`, `TOPOLOGY_INVALID`; at start
   *   `TOPIC_MISSING`; while running `RECORD_DESERIALIZE_FAILED`, `RECORD_TIMESTAMP_INVALID`
   * @see Kafka Streams `StreamsBuilder#stream`
   * @example
   * ```ts
   * builder
   *   .stream(['clicks', 'taps'], {
   *     key: string(),
   *     value: json<{ page: string; at: number }>(),
   *     timestampExtractor: record => record.value?.at ?? -1
   *   })
   *   .mapValues(click => click.page)
   *   .to('pages', { value: string() })
   * ```
   * ```text
   * clicks alice:{"page":"/home","at":60000}@0 → pages alice:/home@1m
   * taps bob:{"page":"/cart","at":61000}@0 → pages bob:/cart@1m1s
   * clicks alice:{"page":"/cart"}@5s →
   * ```
   */
  stream<K, V>(topics: string | readonly string[] | RegExp, options: ConsumedOptions<K, V>): KStream<K, V> {
    return FACADES.stream(stream(this.#graph, topics, options))
  }

  /**
   * Reads a topic as a table: each record sets the value of its key, a null value deletes it. Records with a null key
   * are dropped.
   *
   * The table is stored if it is named with `store`, or if an operator below has to look it up or to know old values.
   * The store has a changelog, `<applicationId>-<store>-changelog`, unless `build({ optimization: 'all' })` lets the
   * topic serve as one. Updates come in the order of offsets: a record that is older than the row replaces it, unless
   * the table is versioned (`historyRetention`).
   *
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_TOPIC_CONFLICT`, `TOPOLOGY_DUPLICATE_STORE`; at start
   *   `TOPIC_MISSING`
   * @see Kafka Streams `StreamsBuilder#table`
   * @example
   * ```ts
   * builder
   *   .table('prices', { key: string(), value: json<number>(), store: 'prices' })
   *   .toStream()
   *   .to('price-changes')
   * ```
   * ```text
   * prices tea:3@0 → price-changes tea:3@0
   * prices tea:4@5s → price-changes tea:4@5s
   * prices tea:null@9s → price-changes tea:null@9s
   * ```
   */
  table<K, V>(topic: string, options: TableOptions<K, V>): KTable<K, V> {
    return FACADES.table(table(this.#graph, topic, options))
  }

  /**
   * Reads a topic as a table that every instance holds as a whole, all partitions of it, to be joined by any key that
   * can be computed.
   *
   * It is read from its beginning before anything else is processed, and kept up to date from then on. There is no
   * changelog but the topic itself, and no committed offsets: each instance remembers on its disk how far it has read.
   * Records with a null key are dropped, a null value deletes. Updates are not tied to the time of any stream, so after
   * a restart a record may meet a newer row than before. The topic must exist and be compacted rather than deleted by
   * age.
   *
   * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_TOPIC_CONFLICT`, `TOPOLOGY_DUPLICATE_STORE`; while running
   *   `GLOBAL_TABLE_FAILED`
   * @see Kafka Streams `StreamsBuilder#globalTable`
   * @example
   * ```ts
   * const airports = builder.globalTable('airports', { key: string(), value: string() })
   * builder
   *   .stream('flights', { key: string(), value: json<{ from: string }>() })
   *   .join(airports, (_flight, { from }) => from, (_flight, airport) => airport)
   *   .to('departures', { value: string() })
   * ```
   * ```text
   * airports FRA:Frankfurt@0 →
   * flights LH1:{"from":"FRA"}@5s → departures LH1:Frankfurt@5s
   * ```
   */
  globalTable<K, V>(topic: string, options: GlobalTableOptions<K, V>): GlobalKTable<K, V> {
    return new GlobalKTable(globalTable(this.#graph, topic, options))
  }

  /**
   * Adds a store for processors, which name it: `stream.process(supplier, { stores: ['seen'] })`. Those that share a
   * store become part of one sub-topology, so their inputs are read by the same tasks. A store that no processor names
   * is left out.
   *
   * @param store - made by `keyValueStore()`, `windowStore()`, `sessionStore()` and so on.
   * @throws StreamsError while building `TOPOLOGY_DUPLICATE_STORE` if a different store of that name was added
   * @see Kafka Streams `StreamsBuilder#addStateStore`
   * @example
   * ```ts
   * builder.addStateStore(keyValueStore('seen', { key: string(), value: json<boolean>() }))
   * builder
   *   .stream('orders', { key: string(), value: string() })
   *   .process<string, string>(
   *     () => {
   *       let context: ProcessorContext<string, string>
   *       let seen: KeyValueStore<string, boolean>
   *       return {
   *         init(given) {
   *           context = given
   *           seen = given.getStateStore('seen')
   *         },
   *         process(record) {
   *           if (seen.get(record.key) === undefined) context.forward(record)
   *           seen.put(record.key, true)
   *         }
   *       }
   *     },
   *     { stores: ['seen'] }
   *   )
   *   .to('first-orders', { key: string(), value: string() })
   * ```
   * ```text
   * orders o1:tea@0 → first-orders o1:tea@0
   * orders o1:tea@5s →
   * orders o2:milk@9s → first-orders o2:milk@9s
   * ```
   */
  addStateStore(store: StoreSpec): this {
    checkStoreSpec(store)
    this.#graph.names.give(store.name)
    this.#graph.add(new GraphNode(store.name, { kind: 'state-store', store }), this.#graph.root)
    return this
  }

  /**
   * The topology so far. Can be called again after more was added; the builder is not changed.
   *
   * @param options - `optimization: 'all'` saves repartition and changelog topics; `wrapProcessor` replaces processors.
   * @throws StreamsError with a `TOPOLOGY_` code and the name of the node at fault; `TOPOLOGY_INVALID` when there is no
   *   source
   * @see Kafka Streams `StreamsBuilder#build`
   * @example
   * ```ts
   * builder.table('users', { key: string(), value: string(), store: 'users' }).toStream().to('changes')
   * const topology = builder.build({ optimization: 'all' })
   * console.log(`changelog: ${topology.subTopologies[0]?.stores[0]?.changelog?.sourceTopic}`)
   * ```
   * ```text
   * build → log changelog: users
   * users alice:admin@0 → changes alice:admin@0
   * ```
   */
  build(options: BuildOptions = {}): Topology {
    return writeTopology(this.#graph, options)
  }
}
