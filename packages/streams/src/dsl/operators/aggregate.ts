import type { Change, Processor, ProcessorContext, Serde, StreamRecord } from '../../core/index.ts'
import type { StoreHandle } from '../../topology/index.ts'
import { addAggregation } from '../add-aggregation.ts'
import { checkFunction } from '../add-step.ts'
import {
  type AggregateOptions,
  checkMaterialized,
  keyValueHandle,
  keyValueStore,
  type MaterializedOptions,
  storeName
} from '../materialized.ts'
import { resolveSerde } from '../resolve-serde.ts'
import type { GroupedStreamHandle } from '../stream-handle.ts'
import { ChangeForwarder } from '../table/change-forwarder.ts'
import { storeReader } from '../table/store-reader.ts'
import { openTableStore, type TableStore } from '../table/table-store.ts'
import type { TableReaderSupplier, TableView } from '../table/table-view.ts'
import type { TableHandle } from '../table-handle.ts'

export type KeyValueHandle<K, V> = StoreHandle<K, V, 'timestamped-key-value'>

export interface Aggregator<K, V, A> {
  (key: K, value: V, aggregate: A): A | null
}

/** Documented at `KGroupedStream.aggregate`. */
export function aggregate<K, V, A>(
  grouped: GroupedStreamHandle<K, V>,
  initializer: () => A,
  aggregator: Aggregator<K, V, A>,
  options: AggregateOptions<K, A>
): TableHandle<K, A, KeyValueHandle<K, A>> {
  checkMaterialized('aggregate()', options)
  checkFunction('aggregate', 'initializer', initializer)
  checkFunction('aggregate', 'aggregator', aggregator)
  return aggregateStream(grouped, { operator: 'aggregate', initializer, aggregator, valueSerde: undefined }, options)
}

export interface StreamAggregation<K, V, A> {
  readonly operator: string
  readonly initializer: () => A
  readonly aggregator: Aggregator<K, V, A>
  /** Used when none is given. */
  readonly valueSerde: Serde<A> | undefined
}

const PREFIX = 'KSTREAM-AGGREGATE-'

/** What `aggregate` and `count` have in common. */
export function aggregateStream<K, V, A>(
  grouped: GroupedStreamHandle<K, V>,
  { operator, initializer, aggregator, valueSerde }: StreamAggregation<K, V, A>,
  options: MaterializedOptions<K, A>
): TableHandle<K, A, KeyValueHandle<K, A>> {
  const { graph } = grouped.upstream
  const { name, isNamed } = storeName(graph, options, PREFIX)
  const nodeName = graph.names.orGenerate(options.name, PREFIX)
  const key = resolveSerde('key', options.key, grouped.upstream.key, nodeName, `${operator}()`)
  const value = resolveSerde('value', options.value, valueSerde, nodeName, `${operator}()`)
  const store = keyValueStore(name, key, value, options)
  const view = new AggregateView<K, A>(storeReader(name), store.historyRetentionMs)
  return addAggregation(grouped, {
    nodeName,
    store,
    supplier: () => new AggregateProcessor(name, initializer, aggregator, view.sendsOldValues),
    view,
    key,
    value,
    handle: isNamed ? keyValueHandle(store) : undefined
  })
}

/** An aggregation always has a store, so it can always tell the old value. */
export class AggregateView<K, V> implements TableView<K, V> {
  readonly #reader: TableReaderSupplier<K, V>
  readonly historyRetentionMs: number | undefined
  sendsOldValues = false

  constructor(reader: TableReaderSupplier<K, V>, historyRetentionMs?: number) {
    this.#reader = reader
    this.historyRetentionMs = historyRetentionMs
  }

  get isVersioned(): boolean {
    return this.historyRetentionMs !== undefined
  }

  reader(): TableReaderSupplier<K, V> {
    return this.#reader
  }

  sendOldValues(): boolean {
    this.sendsOldValues = true
    return true
  }
}

/** Also of each stream of a cogroup, over one store. */
export class AggregateProcessor<K, V, A> implements Processor<K, V, K, Change<A>> {
  private readonly storeName: string
  private readonly initializer: () => A
  private readonly aggregator: Aggregator<K, V, A>
  private readonly sendsOldValues: boolean
  private context!: ProcessorContext<K, Change<A>>
  private store!: TableStore<K, A>
  private forwarder!: ChangeForwarder<K, A>

  constructor(storeName: string, initializer: () => A, aggregator: Aggregator<K, V, A>, sendsOldValues: boolean) {
    this.storeName = storeName
    this.initializer = initializer
    this.aggregator = aggregator
    this.sendsOldValues = sendsOldValues
  }

  init(context: ProcessorContext<K, Change<A>>): void {
    this.context = context
    this.store = openTableStore(context, this.storeName)
    this.forwarder = new ChangeForwarder(context, this.store, this.sendsOldValues)
  }

  process(record: StreamRecord<K, V>): void {
    const { key, value, headers } = record
    if (key === null || value === null) {
      this.context.drop('null-key-or-value')
      return
    }
    const stored = this.store.get(key)
    // The first update's old value is what the initializer gave, not null: that is how Kafka Streams has it.
    const before = stored === undefined ? this.initializer() : stored.value
    const after = this.aggregator(key, value, before) ?? null
    const timestampMs = stored === undefined ? record.timestampMs : Math.max(record.timestampMs, stored.timestampMs)
    const put = this.store.put(key, after, timestampMs, headers)
    this.forwarder.forwardPut(key, before, after, timestampMs, headers, put)
  }
}
