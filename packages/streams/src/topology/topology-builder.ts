import {
  checkOptions,
  described,
  type ProcessorSupplier,
  type Serde,
  StreamsError,
  type TimestampExtractor
} from '../core/index.ts'
import { checkNodeOptions } from './check-node-options.ts'
import { checkStoreSpec } from './check-store-spec.ts'
import { checkSupplier } from './check-supplier.ts'
import { DisjointSets } from './disjoint-sets.ts'
import { legalName, legalOutputTopic } from './names.ts'
import type { AnySerde, SourceNodeSpec, StreamPartitioner, TopicNameExtractor } from './node-spec.ts'
import type { StoreSpec } from './store-spec.ts'
import { INTERNAL_PREFIX, type RepartitionTopicSpec, type Topology } from './sub-topology.ts'
import { wholeName } from './topic-pattern.ts'
import { type AddedNode, writtenTopology } from './written-topology.ts'

const SOURCE_OPTIONS = ['topics', 'key', 'value', 'timestampExtractor', 'offsetReset']
const SINK_OPTIONS = ['topic', 'key', 'value', 'partitioner']

/** What a source reads, and how. */
export interface SourceOptions<K, V> {
  /** One topic, several, or all whose names match the pattern as a whole. */
  readonly topics: string | readonly string[] | RegExp
  /** Required: there are no default serdes. */
  readonly key: Serde<K>
  /** Required: there are no default serdes. */
  readonly value: Serde<V>
  /** Default: the timestamp that the broker stored. */
  readonly timestampExtractor?: TimestampExtractor<K, V> | undefined
  /**
   * Where a partition without a committed offset begins: `earliest`, `latest`, or `none`, which stops the application.
   * Default: the application's `autoOffsetReset`.
   */
  readonly offsetReset?: SourceNodeSpec['offsetReset']
}

/** Where a sink writes, and how. */
export interface SinkOptions<K, V> {
  /** A topic that exists, or a function that gives the topic of each record. */
  readonly topic: string | TopicNameExtractor<K, V>
  /** Required: there are no default serdes. */
  readonly key: Serde<K>
  /** Required: there are no default serdes. */
  readonly value: Serde<V>
  /** Gives a partition from 0 on, or `undefined` for the default: murmur2 of the key's bytes, as Java's. */
  readonly partitioner?: StreamPartitioner<K, V> | undefined
}

/** Where a global store comes from. */
export interface GlobalStoreOptions<K, V> {
  /** Name of the source node. */
  readonly sourceName: string
  /** The topic, all partitions of which are read. */
  readonly topic: string
  /** Serde of the topic's keys. */
  readonly key: Serde<K>
  /** Serde of the topic's values. */
  readonly value: Serde<V>
  /** Default: the timestamp that the broker stored. */
  readonly timestampExtractor?: TimestampExtractor<K, V> | undefined
  /** Name of the node of `supplier`. */
  readonly processorName: string
  /** Puts what comes from the topic into the store; called for each record, also when an instance starts from nothing. */
  readonly supplier: ProcessorSupplier<K, V, never, never>
}

/** Where a read-only store comes from. */
export interface ReadOnlyStoreOptions<K, V> extends GlobalStoreOptions<K, V> {
  /**
   * Where a partition without a committed offset begins: `earliest`, `latest`, or `none`, which stops the application.
   * Default: the application's `autoOffsetReset`.
   */
  readonly offsetReset?: SourceNodeSpec['offsetReset']
}

/** What holds for a whole topology. */
export interface TopologyBuilderOptions {
  /**
   * Gets the supplier of each processor, the DSL's included, and gives the one to use in its place: for logging,
   * measuring, or failing on purpose.
   *
   * @see Kafka Streams `ProcessorWrapper` (KIP-1112)
   * @example
   * ```ts
   * builder
   *   .stream('in', { key: string(), value: string() })
   *   .mapValues(value => value.length, { name: 'measure' })
   *   .to('out', { value: json<number>() })
   * const topology = builder.build({
   *   wrapProcessor: (node, supplier) => () => {
   *     const processor = supplier()
   *     return {
   *       init: context => processor.init?.(context),
   *       process(record) {
   *         console.log(`${node} gets ${record.key}`)
   *         processor.process(record)
   *       },
   *       close: () => processor.close?.()
   *     }
   *   }
   * })
   * ```
   * ```text
   * in a:tea@0 → log measure gets a | out a:3@0
   * ```
   */
  readonly wrapProcessor?: ProcessorWrapper | undefined
}

export type ProcessorWrapper = (
  nodeName: string,
  supplier: ProcessorSupplier<any, any, any, any>
) => ProcessorSupplier<any, any, any, any>

/**
 * Puts a topology together node by node: parents first. The DSL writes into it; it can also be used by hand:
 *
 * ```ts
 * const topology = new TopologyBuilder()
 *   .addSource('clicks', { topics: 'clicks', key: string(), value: json<Click>() })
 *   .addProcessor('count', () => new Counter(), ['clicks'])
 *   .addStateStore(keyValueStore('counts', { key: string(), value: json<number>() }), ['count'])
 *   .addSink('out', { topic: 'counts', key: string(), value: json<number>() }, ['count'])
 *   .build()
 * ```
 *
 * Every error names the node at fault and comes before any connection is made.
 *
 * @see Kafka Streams `Topology`, `InternalTopologyBuilder`
 */
export class TopologyBuilder {
  readonly #nodes = new Map<string, AddedNode>()
  readonly #stores = new Map<string, { spec: StoreSpec; nodes: string[]; owners: string[] }>()
  readonly #internalTopics = new Map<string, RepartitionTopicSpec>()
  readonly #copartitioned: { node: string; sources: readonly string[] }[] = []
  readonly #groups = new DisjointSets()
  readonly #sourceOfTopic = new Map<string, string>()
  readonly #globalSources = new Set<string>()
  readonly #globalStores = new Set<string>()
  readonly #wrapProcessor: ProcessorWrapper | undefined

  /**
   * A topology to be put together by hand.
   *
   * @param options - `wrapProcessor` replaces the processors.
   * @throws StreamsError `TOPOLOGY_INVALID`, `CONFIG_UNKNOWN_OPTION`
   * @see Kafka Streams `Topology`
   * @example
   * ```ts
   * const text = { key: string(), value: string() }
   * const topology = new TopologyBuilder()
   *   .addSource('in', { topics: 'in', ...text })
   *   .addSink('out', { topic: 'out', ...text }, ['in'])
   *   .build()
   * ```
   * ```text
   * in a:tea@0 → out a:tea@0
   * ```
   */
  constructor(options: TopologyBuilderOptions = {}) {
    checkOptions('a topology', options, ['wrapProcessor'])
    const { wrapProcessor } = options
    if (wrapProcessor !== undefined && typeof wrapProcessor !== 'function') {
      throw new StreamsError(
        'TOPOLOGY_INVALID',
        'wrapProcessor is no function. Give one that returns the supplier to use.'
      )
    }
    this.#wrapProcessor = wrapProcessor
  }

  /**
   * Adds a node that reads topics.
   *
   * @param options - `topics`: one, several, or a pattern that whole names match. `key` and `value` are required.
   * @throws StreamsError `TOPOLOGY_DUPLICATE_NAME`, `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_INVALID`;
   *   `TOPOLOGY_TOPIC_CONFLICT` if another source reads one of its topics
   * @see Kafka Streams `Topology#addSource`
   * @example
   * ```ts
   * const text = { key: string(), value: string() }
   * const topology = new TopologyBuilder()
   *   .addSource('orders', { topics: /orders-[a-z]+/, ...text })
   *   .addSink('all', { topic: 'all-orders', ...text }, ['orders'])
   *   .build()
   * ```
   * ```text
   * orders-fr o1:tea@0 → all-orders o1:tea@0
   * orders-it o2:milk@5s → all-orders o2:milk@5s
   * ```
   */
  addSource<K, V>(name: string, options: SourceOptions<K, V>): this {
    this.#checkNewName(name)
    checkNodeOptions(`Source '${name}'`, options, SOURCE_OPTIONS)
    this.#checkSerdes(name, options)
    const given = options.topics
    if (typeof given !== 'string' && !Array.isArray(given) && !(given instanceof RegExp)) {
      throw new StreamsError(
        'TOPOLOGY_INVALID',
        `Source '${name}' takes as 'topics' a name, a list of names or a pattern; not ${described(given)}.`,
        { details: { node: name } }
      )
    }
    const topics = given instanceof RegExp ? wholeName(given) : typeof given === 'string' ? [given] : [...given]
    if (!(topics instanceof RegExp) && topics.length === 0) {
      throw new StreamsError('TOPOLOGY_INVALID', `Source '${name}' needs at least one topic.`, {
        details: { node: name }
      })
    }
    if (topics instanceof RegExp) this.#checkPattern(name, topics)
    else for (const topic of topics) this.#claimTopic(topic, name)
    this.#nodes.set(name, {
      kind: 'source',
      name,
      parents: [],
      topics,
      key: options.key,
      value: options.value,
      timestampExtractor: options.timestampExtractor as TimestampExtractor | undefined,
      offsetReset: options.offsetReset
    })
    this.#groups.root(name)
    return this
  }

  /**
   * Adds a node that runs a processor for each record of its parents.
   *
   * @param supplier - Called once per task: must give a new processor each time.
   * @param parents - Names of sources and processors that were added before.
   * @throws StreamsError `TOPOLOGY_DUPLICATE_NAME`, `TOPOLOGY_UNKNOWN_NODE`, `TOPOLOGY_INVALID`
   * @see Kafka Streams `Topology#addProcessor`
   * @example
   * ```ts
   * class Shout implements Processor<string, string, string, string> {
   *   #context!: ProcessorContext<string, string>
   *
   *   init(context: ProcessorContext<string, string>): void {
   *     this.#context = context
   *   }
   *
   *   process(record: StreamRecord<string, string>): void {
   *     this.#context.forward({ ...record, value: record.value.toUpperCase() })
   *   }
   * }
   *
   * const text = { key: string(), value: string() }
   * const topology = new TopologyBuilder()
   *   .addSource('in', { topics: 'in', ...text })
   *   .addProcessor('shout', () => new Shout(), ['in'])
   *   .addSink('out', { topic: 'out', ...text }, ['shout'])
   *   .build()
   * ```
   * ```text
   * in a:tea@0 → out a:TEA@0
   * ```
   */
  addProcessor<KIn, VIn, KOut, VOut>(
    name: string,
    supplier: ProcessorSupplier<KIn, VIn, KOut, VOut>,
    parents: readonly string[]
  ): this {
    this.#checkNewName(name)
    checkSupplier(`Node '${name}'`, 'supplier of processors', supplier)
    this.#connect(name, parents)
    this.#nodes.set(name, { kind: 'processor', name, parents, stores: [], supplier: this.#wrapped(name, supplier) })
    return this
  }

  /**
   * Adds a node that writes what its parents forward.
   *
   * @param options - `topic`: one that exists, or a function that gives the topic of each record. `key` and `value` are
   *   required. `partitioner`: default murmur2 of the key's bytes, as Java's.
   * @throws StreamsError `TOPOLOGY_DUPLICATE_NAME`, `TOPOLOGY_UNKNOWN_NODE`, `TOPOLOGY_SERDE_MISSING`,
   *   `TOPOLOGY_INVALID`
   * @see Kafka Streams `Topology#addSink`
   * @example
   * ```ts
   * const text = { key: string(), value: string() }
   * const topology = new TopologyBuilder()
   *   .addSource('in', { topics: 'in', ...text })
   *   .addSink('out', { topic: key => `out-${key}`, ...text }, ['in'])
   *   .build()
   * ```
   * ```text
   * in a:tea@0 → out-a a:tea@0
   * in b:milk@5s → out-b b:milk@5s
   * ```
   */
  addSink<K, V>(name: string, options: SinkOptions<K, V>, parents: readonly string[]): this {
    this.#checkNewName(name)
    checkNodeOptions(`Sink '${name}'`, options, SINK_OPTIONS)
    this.#checkSerdes(name, options)
    if (typeof options.topic === 'string') this.#checkOutput(options.topic)
    else if (typeof options.topic !== 'function') {
      throw new StreamsError(
        'TOPOLOGY_INVALID',
        `Sink '${name}' takes as 'topic' a name or a function that gives one; not ${described(options.topic)}.`,
        { details: { node: name } }
      )
    }
    this.#connect(name, parents)
    const { topic, key, value, partitioner } = options
    this.#nodes.set(name, { kind: 'sink', name, parents, topic, key, value, partitioner })
    return this
  }

  /**
   * Adds a store and connects it to processors, which share it and so become part of one sub-topology.
   *
   * @param spec - made by `keyValueStore()`, `windowStore()`, `sessionStore()` and so on.
   * @param processors - Names of processors that were added before.
   * @throws StreamsError `TOPOLOGY_DUPLICATE_STORE` if a different store of that name was added before;
   *   `TOPOLOGY_UNKNOWN_NODE`
   * @see Kafka Streams `Topology#addStateStore`
   * @example
   * ```ts
   * class Count implements Processor<string, string, string, number> {
   *   #context!: ProcessorContext<string, number>
   *   #counts!: KeyValueStore<string, number>
   *
   *   init(context: ProcessorContext<string, number>): void {
   *     this.#context = context
   *     this.#counts = context.getStateStore('counts')
   *   }
   *
   *   process({ key, timestampMs, headers }: StreamRecord<string, string>): void {
   *     const value = (this.#counts.get(key) ?? 0) + 1
   *     this.#counts.put(key, value)
   *     this.#context.forward({ key, value, timestampMs, headers })
   *   }
   * }
   *
   * const topology = new TopologyBuilder()
   *   .addSource('clicks', { topics: 'clicks', key: string(), value: string() })
   *   .addProcessor('count', () => new Count(), ['clicks'])
   *   .addStateStore(keyValueStore('counts', { key: string(), value: json<number>() }), ['count'])
   *   .addSink('out', { topic: 'counts', key: string(), value: json<number>() }, ['count'])
   *   .build()
   * ```
   * ```text
   * clicks alice:/home@0 → counts alice:1@0
   * clicks alice:/cart@5s → counts alice:2@5s
   * ```
   */
  addStateStore(spec: StoreSpec, processors: readonly string[] = []): this {
    checkStoreSpec(spec)
    const before = this.#stores.get(spec.name)
    if (before !== undefined && before.spec !== spec) {
      const by = [...before.nodes, ...processors].map(node => `'${node}'`).join(' and ')
      throw new StreamsError(
        'TOPOLOGY_DUPLICATE_STORE',
        `Store '${spec.name}' is declared twice${by === '' ? '' : `, by ${by}`}. Give one of them another name.`,
        { details: { store: spec.name, nodes: [...before.nodes, ...processors] } }
      )
    }
    if (before === undefined) {
      legalName(spec.name, 'store')
      this.#stores.set(spec.name, { spec, nodes: [], owners: [] })
    }
    this.#stores.get(spec.name)?.owners.push(...processors)
    for (const processor of processors) this.#connectStore(processor, spec.name)
    return this
  }

  /**
   * Adds a store that every instance holds as a whole: filled from all partitions of a topic, before any task runs, and
   * then kept up to date. Every processor may read it, none but its own may change it. Its changelog is the topic.
   *
   * @param options - `supplier` gives the processor that puts what comes from the topic into the store.
   * @throws StreamsError as `addSource`, `addProcessor` and `addStateStore`; `TOPOLOGY_INVALID` for a window store that
   *   is ordered by time; `STORE_READ_ONLY` when another processor writes to it
   * @see Kafka Streams `Topology#addGlobalStore`
   * @example
   * ```ts
   * const text = { key: string(), value: string() }
   * const topology = new TopologyBuilder()
   *   .addGlobalStore(keyValueStore('names', text), {
   *     sourceName: 'read-names',
   *     topic: 'names',
   *     ...text,
   *     processorName: 'keep-names',
   *     supplier: () => {
   *       let names: KeyValueStore<string, string>
   *       return {
   *         init: context => {
   *           names = context.getStateStore('names')
   *         },
   *         process: ({ key, value }) => names.put(key, value.trim())
   *       }
   *     }
   *   })
   *   .addSource('logins', { topics: 'logins', ...text })
   *   .addProcessor<string, string, string, string>(
   *     'greet',
   *     () => {
   *       let context: ProcessorContext<string, string>
   *       let names: KeyValueStore<string, string>
   *       return {
   *         init: given => {
   *           context = given
   *           names = given.getStateStore('names')
   *         },
   *         process: record => context.forward({ ...record, value: `Hello, ${names.get(record.key)}` })
   *       }
   *     },
   *     ['logins']
   *   )
   *   .addSink('out', { topic: 'greetings', ...text }, ['greet'])
   *   .build()
   * ```
   * ```text
   * names alice:"Alice A."@0 →
   * logins alice:phone@5s → greetings alice:"Hello, Alice A."@5s
   * ```
   */
  addGlobalStore<K, V>(store: StoreSpec, options: GlobalStoreOptions<K, V>): this {
    const { sourceName, topic, key, value, timestampExtractor, processorName, supplier } = options
    this.addSource(sourceName, { topics: topic, key, value, timestampExtractor })
    this.addProcessor(processorName, supplier, [sourceName])
    // Without a changelog and a cache: what the topic says is put at once, and is on no other topic.
    this.addStateStore({ ...store, changelog: undefined, caching: false }, [processorName])
    this.#globalSources.add(sourceName)
    this.#globalStores.add(store.name)
    return this
  }

  /**
   * Adds a store that its own processor fills from a topic, partition by partition, while others only read it. The
   * topic is the changelog: nothing is written, and a new task reads it into the store before it starts.
   *
   * @param options - `supplier` must put the records into the store as they are: restoring does not call it.
   * @throws StreamsError as `addSource`, `addProcessor` and `addStateStore`
   * @see Kafka Streams `Topology#addReadOnlyStateStore` (KIP-813)
   * @example
   * ```ts
   * const text = { key: string(), value: string() }
   * const topology = new TopologyBuilder()
   *   .addReadOnlyStateStore(keyValueStore('names', text), {
   *     sourceName: 'read-names',
   *     topic: 'names',
   *     ...text,
   *     processorName: 'keep-names',
   *     supplier: () => {
   *       let names: KeyValueStore<string, string>
   *       return {
   *         init: context => {
   *           names = context.getStateStore('names')
   *         },
   *         process: ({ key, value }) => names.put(key, value)
   *       }
   *     }
   *   })
   *   .addSource('logins', { topics: 'logins', ...text })
   *   .addProcessor<string, string, string, string>(
   *     'greet',
   *     () => {
   *       let context: ProcessorContext<string, string>
   *       let names: KeyValueStore<string, string>
   *       return {
   *         init: given => {
   *           context = given
   *           names = given.getStateStore('names')
   *         },
   *         process: record => context.forward({ ...record, value: `Hello, ${names.get(record.key)}` })
   *       }
   *     },
   *     ['logins']
   *   )
   *   .connectProcessorAndStateStores('greet', ['names'])
   *   .addSink('out', { topic: 'greetings', ...text }, ['greet'])
   *   .build()
   * ```
   * ```text
   * names alice:Alice@0 →
   * logins alice:phone@5s → greetings alice:"Hello, Alice"@5s
   * ```
   */
  addReadOnlyStateStore<K, V>(store: StoreSpec, options: ReadOnlyStoreOptions<K, V>): this {
    const { sourceName, topic, key, value, timestampExtractor, offsetReset, processorName, supplier } = options
    this.addSource(sourceName, { topics: topic, key, value, timestampExtractor, offsetReset })
    this.addProcessor(processorName, supplier, [sourceName])
    this.addStateStore(store, [processorName])
    return this.connectSourceStoreAndTopic(store.name, topic)
  }

  /**
   * Lets a processor use stores. Global stores need no connecting.
   *
   * @throws StreamsError `TOPOLOGY_UNKNOWN_NODE`, `TOPOLOGY_UNKNOWN_STORE`, `TOPOLOGY_INVALID`
   * @see Kafka Streams `Topology#connectProcessorAndStateStores`
   * @example
   * ```ts
   * const text = { key: string(), value: string() }
   * const keep = () => {
   *   let names: KeyValueStore<string, string>
   *   return {
   *     init(context: ProcessorContext<never, never>) {
   *       names = context.getStateStore('names')
   *     },
   *     process: ({ key, value }: StreamRecord<string, string>) => names.put(key, value)
   *   }
   * }
   * const greet = () => {
   *   let context: ProcessorContext<string, string>
   *   let names: KeyValueStore<string, string>
   *   return {
   *     init(given: ProcessorContext<string, string>) {
   *       context = given
   *       names = given.getStateStore('names')
   *     },
   *     process: (record: StreamRecord<string, string>) =>
   *       context.forward({ ...record, value: `Hello, ${names.get(record.key)}` })
   *   }
   * }
   * const topology = new TopologyBuilder()
   *   .addSource('names', { topics: 'names', ...text })
   *   .addProcessor('keep', keep, ['names'])
   *   .addStateStore(keyValueStore('names', text), ['keep'])
   *   .addSource('logins', { topics: 'logins', ...text })
   *   .addProcessor('greet', greet, ['logins'])
   *   .connectProcessorAndStateStores('greet', ['names'])
   *   .addSink('out', { topic: 'greetings', ...text }, ['greet'])
   *   .build()
   * console.log(`${topology.subTopologies.length} sub-topology`)
   * ```
   * ```text
   * build → log 1 sub-topology
   * names alice:Alice@0 →
   * logins alice:phone@5s → greetings alice:"Hello, Alice"@5s
   * ```
   */
  connectProcessorAndStateStores(processor: string, stores: readonly string[]): this {
    for (const store of stores) this.#connectStore(processor, store)
    return this
  }

  /**
   * Makes an input topic the changelog of a store: nothing is written, and the store is restored from the input.
   *
   * @internal
   */
  connectSourceStoreAndTopic(store: string, topic: string): this {
    const found = this.#stores.get(store)
    if (found === undefined) throw this.#unknownStore(store, undefined)
    found.spec = { ...found.spec, changelog: { sourceTopic: topic, topicConfig: {} } }
    return this
  }

  /**
   * Declares a repartition topic. Its name inside the topology is `INTERNAL_PREFIX + suffix`.
   *
   * @internal
   */
  addInternalTopic(spec: RepartitionTopicSpec): this {
    legalName(spec.suffix, 'repartition topic')
    this.#internalTopics.set(INTERNAL_PREFIX + spec.suffix, spec)
    return this
  }

  /**
   * Demands that the topics of these sources have equal partition counts.
   *
   * @internal
   */
  copartitionSources(node: string, sources: readonly string[]): this {
    this.#copartitioned.push({ node, sources })
    return this
  }

  /**
   * The topology so far, cut into sub-topologies: parts that are not connected by anything but topics. Its `describe()`
   * gives the text that Kafka Streams gives.
   *
   * @throws StreamsError `TOPOLOGY_INVALID` if there is no source; `TOPOLOGY_NOT_COPARTITIONED` if fixed counts differ
   * @see Kafka Streams `Topology#describe`
   * @example
   * ```ts
   * const text = { key: string(), value: string() }
   * const topology = new TopologyBuilder()
   *   .addSource('in', { topics: 'in', ...text })
   *   .addSink('out', { topic: 'out', ...text }, ['in'])
   *   .build()
   * for (const line of topology.describe().trim().split('\n')) console.log(line.trim())
   * ```
   * ```text
   * build → log Topologies: | log Sub-topology: 0 | log Source: in (topics: [in]) | log --> out | log Sink: out (topic: out) | log <-- in
   * in a:tea@0 → out a:tea@0
   * ```
   */
  build(): Topology {
    return writtenTopology({
      nodes: this.#nodes,
      stores: this.#stores,
      internalTopics: this.#internalTopics,
      copartitioned: this.#copartitioned,
      groups: this.#groups,
      globalSources: this.#globalSources
    })
  }

  #wrapped(name: string, supplier: ProcessorSupplier<any, any, any, any>): ProcessorSupplier<any, any, any, any> {
    if (this.#wrapProcessor === undefined) return supplier
    const wrapped: unknown = this.#wrapProcessor(name, supplier)
    if (typeof wrapped === 'function') return wrapped as ProcessorSupplier<any, any, any, any>
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `wrapProcessor returned ${String(wrapped)} for the node '${name}'. Return a supplier: a function that makes a processor.`,
      { details: { node: name } }
    )
  }

  #connect(name: string, parents: readonly string[]): void {
    if (!Array.isArray(parents) || parents.length === 0) {
      throw new StreamsError(
        'TOPOLOGY_INVALID',
        `Node '${name}' needs at least one parent. Name them in a list: ['source'].`,
        {
          details: { node: name }
        }
      )
    }
    for (const parent of parents) {
      const node = this.#nodes.get(parent)
      if (node === undefined) {
        throw new StreamsError(
          'TOPOLOGY_UNKNOWN_NODE',
          `Node '${name}' names '${parent}' as its parent, which was not added. Add the parent first, or correct the name.`,
          { details: { node: name, parent } }
        )
      }
      if (node.kind === 'sink') {
        throw new StreamsError('TOPOLOGY_INVALID', `Sink '${parent}' cannot be the parent of '${name}'.`)
      }
      if (
        this.#globalSources.has(parent) ||
        (node.kind === 'processor' && node.stores.some(store => this.#globalStores.has(store)))
      ) {
        throw new StreamsError(
          'TOPOLOGY_INVALID',
          `'${parent}' belongs to a global store and cannot be the parent of '${name}'. Read the topic with a source of its own in another application, or look the store up.`,
          { details: { node: name, parent } }
        )
      }
    }
    this.#groups.root(name)
    for (const parent of parents) this.#groups.unite(parent, name)
  }

  #connectStore(processor: string, store: string): void {
    const found = this.#stores.get(store)
    if (found === undefined) throw this.#unknownStore(store, processor)
    const node = this.#nodes.get(processor)
    if (node === undefined) {
      throw new StreamsError(
        'TOPOLOGY_UNKNOWN_NODE',
        `Store '${store}' is to be connected to '${processor}', which was not added. Add the processor first.`,
        { details: { node: processor, store } }
      )
    }
    if (node.kind !== 'processor') {
      throw new StreamsError(
        'TOPOLOGY_INVALID',
        `Store '${store}' cannot be connected to the ${node.kind} '${processor}'.`
      )
    }
    if (this.#globalStores.has(store)) {
      throw new StreamsError(
        'TOPOLOGY_INVALID',
        `Store '${store}' is global: every processor may read it. Do not connect it to '${processor}'.`,
        { details: { node: processor, store } }
      )
    }
    const user = found.nodes[0]
    if (user !== undefined) this.#groups.unite(user, processor)
    if (!found.nodes.includes(processor)) found.nodes.push(processor)
    if (!node.stores.includes(store)) node.stores.push(store)
  }

  #unknownStore(store: string, processor: string | undefined): StreamsError {
    const what = processor === undefined ? `Store '${store}'` : `Store '${store}', asked for by '${processor}',`
    return new StreamsError('TOPOLOGY_UNKNOWN_STORE', `${what} was not added. Add it first, or correct the name.`, {
      details: { store, node: processor }
    })
  }

  #checkNewName(name: string): void {
    legalName(name, 'node')
    if (this.#nodes.has(name)) {
      throw new StreamsError(
        'TOPOLOGY_DUPLICATE_NAME',
        `Two nodes are called '${name}'. Give one of them another name.`,
        { details: { node: name } }
      )
    }
  }

  #checkSerdes(name: string, serdes: { readonly key: AnySerde; readonly value: AnySerde }): void {
    for (const role of ['key', 'value'] as const) {
      if (serdes[role] !== undefined) continue
      throw new StreamsError(
        'TOPOLOGY_SERDE_MISSING',
        `Node '${name}' has no ${role} serde. Pass one, for example { ${role}: string() }.`,
        { details: { node: name, role } }
      )
    }
  }

  #checkTopic(topic: string): void {
    legalName(topic.startsWith(INTERNAL_PREFIX) ? topic.slice(INTERNAL_PREFIX.length) : topic, 'topic')
  }

  #checkOutput(topic: string): void {
    if (topic.startsWith(INTERNAL_PREFIX)) this.#checkTopic(topic)
    else legalOutputTopic(topic)
  }

  #claimTopic(topic: string, name: string): void {
    this.#checkTopic(topic)
    const other = this.#sourceOfTopic.get(topic)
    if (other !== undefined) {
      throw new StreamsError(
        'TOPOLOGY_TOPIC_CONFLICT',
        `Topic '${topic}' is read by '${other}' and by '${name}'. Read it once and use the stream or table twice.`,
        { details: { topic, nodes: [other, name] } }
      )
    }
    for (const node of this.#nodes.values()) {
      if (node.kind === 'source' && node.topics instanceof RegExp && node.topics.test(topic)) {
        throw this.#patternConflict(topic, node.name, name)
      }
    }
    this.#sourceOfTopic.set(topic, name)
  }

  #checkPattern(name: string, pattern: RegExp): void {
    for (const [topic, source] of this.#sourceOfTopic) {
      if (pattern.test(topic)) throw this.#patternConflict(topic, name, source)
    }
  }

  #patternConflict(topic: string, patternNode: string, topicNode: string): StreamsError {
    return new StreamsError(
      'TOPOLOGY_TOPIC_CONFLICT',
      `Topic '${topic}', read by '${topicNode}', also matches the pattern of '${patternNode}'. Narrow the pattern.`,
      { details: { topic, nodes: [patternNode, topicNode] } }
    )
  }
}
