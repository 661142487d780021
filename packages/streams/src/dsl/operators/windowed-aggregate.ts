import {
  type Change,
  firstWindowStartMs,
  type NodeState,
  type Processor,
  type ProcessorContext,
  type Serde,
  type StreamRecord,
  type TimestampedWindowStore,
  type TimeWindows,
  type Windowed,
  windowedKey
} from '../../core/index.ts'
import type { StoreHandle } from '../../topology/index.ts'
import { addAggregation } from '../add-aggregation.ts'
import { checkFunction } from '../add-step.ts'
import {
  checkMaterialized,
  storeName,
  type WindowAggregateOptions,
  type WindowMaterializedOptions,
  windowStore
} from '../materialized.ts'
import { resolveSerde } from '../resolve-serde.ts'
import type { GroupedStreamHandle } from '../stream-handle.ts'
import { ChangeForwarder } from '../table/change-forwarder.ts'
import { windowStoreReader } from '../table/store-reader.ts'
import type { TableHandle } from '../table-handle.ts'
import { AggregateView, type Aggregator } from './aggregate.ts'

export type WindowHandle<K, V> = StoreHandle<K, V, 'timestamped-window'>

export interface TimeWindowedStreamHandle<K, V> {
  readonly grouped: GroupedStreamHandle<K, V>
  readonly windows: TimeWindows
}

/**
 * Combines the values of each key and window into an aggregate and emits it on every update.
 *
 * Records with a null key are dropped. Null values are not: the aggregator gets them. A record enters those of its windows
 * that are still open; for each that is closed (its end + grace <= stream time of this operator) it is counted as `late`.
 * A result's timestamp is the highest of its window's records.
 *
 * @param initializer - Makes the aggregate of a window's first record.
 * @param aggregator - Gets key, value and aggregate; returns the new aggregate, or null to delete it. Synchronous.
 * @param options - `value` is the serde of the aggregate; `retention` how long windows can be read, at least size + grace.
 * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_DUPLICATE_STORE`, `TOPOLOGY_WINDOW_INVALID`
 * @see Kafka Streams `TimeWindowedKStream#aggregate`
 */
export function windowedAggregate<K, V, A>(
  handle: TimeWindowedStreamHandle<K, V>,
  initializer: () => A,
  aggregator: Aggregator<K, V, A>,
  options: WindowAggregateOptions<K, A>
): TableHandle<Windowed<K>, A, WindowHandle<K, A>> {
  checkMaterialized('aggregate()', options, true)
  checkFunction('aggregate', 'initializer', initializer)
  checkFunction('aggregate', 'aggregator', aggregator)
  const aggregation = { operator: 'aggregate', prefix: 'KSTREAM-AGGREGATE-', valueSerde: undefined }
  return aggregateWindows(handle, { ...aggregation, initializer, aggregator }, options)
}

export interface WindowAggregation<K, V, A> {
  readonly operator: string
  readonly prefix: string
  /** Null where the first value is to be taken as it is. */
  readonly initializer: () => A | null
  readonly aggregator: (key: K, value: V, aggregate: any) => A | null
  /** Used when none is given. */
  readonly valueSerde: Serde<A> | undefined
}

/** What `aggregate`, `count` and `reduce` of windows have in common. */
export function aggregateWindows<K, V, A>(
  { grouped, windows }: TimeWindowedStreamHandle<K, V>,
  { operator, prefix, initializer, aggregator, valueSerde }: WindowAggregation<K, V, A>,
  options: WindowMaterializedOptions<K, A>
): TableHandle<Windowed<K>, A, WindowHandle<K, A>> {
  const { graph } = grouped.upstream
  const { name, isNamed } = storeName(graph, options, prefix)
  const nodeName = graph.names.orGenerate(options.name, prefix)
  const key = resolveSerde<K>('key', options.key, grouped.upstream.key, nodeName, `${operator}()`)
  const value = resolveSerde<A>('value', options.value, valueSerde, nodeName, `${operator}()`)
  const view = new AggregateView<Windowed<K>, A>(windowStoreReader(name))
  return addAggregation(grouped, {
    nodeName,
    store: windowStore(name, key, value, windows, options),
    supplier: () => new WindowAggregateProcessor(name, windows, initializer, aggregator, view.sendsOldValues),
    view,
    key: windowedKey(key, { sizeMs: windows.sizeMs }),
    value,
    handle: isNamed ? { name, kind: 'timestamped-window' } : undefined
  })
}

class WindowAggregateProcessor<K, V, A> implements Processor<K, V, Windowed<K>, Change<A>> {
  private readonly storeName: string
  private readonly windows: TimeWindows
  private readonly initializer: () => A | null
  private readonly aggregator: (key: K, value: V, aggregate: A | null) => A | null
  private readonly sendsOldValues: boolean
  private context!: ProcessorContext<Windowed<K>, Change<A>>
  private store!: TimestampedWindowStore<K, A>
  private forwarder!: ChangeForwarder<Windowed<K>, A>
  /** Of this operator, over all keys; it survives restarts, so that a window once closed stays closed. */
  private streamTime!: NodeState

  constructor(
    storeName: string,
    windows: TimeWindows,
    initializer: () => A | null,
    aggregator: (key: K, value: V, aggregate: A | null) => A | null,
    sendsOldValues: boolean
  ) {
    this.storeName = storeName
    this.windows = windows
    this.initializer = initializer
    this.aggregator = aggregator
    this.sendsOldValues = sendsOldValues
  }

  init(context: ProcessorContext<Windowed<K>, Change<A>>): void {
    this.context = context
    this.store = context.getStateStore(this.storeName)
    this.forwarder = new ChangeForwarder(context, this.store, this.sendsOldValues)
    this.streamTime = context.nodeState('streamTime', -1)
  }

  process(record: StreamRecord<K, V>): void {
    if (record.key === null) {
      this.context.drop('null-key')
      return
    }
    const { timestampMs } = record
    const { streamTime, windows } = this
    if (timestampMs > streamTime.value) streamTime.value = timestampMs
    const closedUpToMs = streamTime.value - windows.graceMs
    for (let start = firstWindowStartMs(windows, timestampMs); start <= timestampMs; start += windows.advanceMs) {
      if (start + windows.sizeMs > closedUpToMs) this.update(record, start)
      else this.context.drop('late')
    }
  }

  private update(record: StreamRecord<K, V>, startMs: number): void {
    const { key, headers } = record
    const stored = this.store.fetchOne(key, startMs)
    const before = stored === undefined ? this.initializer() : stored.value
    const after = this.aggregator(key, record.value, before) ?? null
    const timestampMs = stored === undefined ? record.timestampMs : Math.max(record.timestampMs, stored.timestampMs)
    this.store.put(key, after, startMs, timestampMs, headers)
    const windowed = { key, startMs, endMs: startMs + this.windows.sizeMs }
    this.forwarder.forward(windowed, before, after, timestampMs, headers)
  }
}
