import type {
  Serde,
  SessionWindows,
  SlidingWindows,
  TimeWindows,
  UnlimitedWindows,
  Windowed
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
import type { TableHandle } from '../table-handle.ts'
import type { AggregateFunctions } from '../windowed/aggregate-functions.ts'
import type { EmitStrategy } from '../windowed/emit-strategy.ts'
import { type AnyWindows, windowKind } from '../windowed/window-kind.ts'
import { AggregateView, type Aggregator } from './aggregate.ts'

export type WindowHandle<K, V> = StoreHandle<K, V, 'timestamped-window'>
export type SessionHandle<K, V> = StoreHandle<K, V, 'session'>

/** The handle of the store that windows of this kind are kept in. */
export type HandleOfWindows<W, K, V> = W extends SessionWindows ? SessionHandle<K, V> : WindowHandle<K, V>

export interface WindowedStreamHandle<K, V, W extends AnyWindows = AnyWindows> {
  readonly grouped: GroupedStreamHandle<K, V>
  readonly windows: W
  readonly emits: EmitStrategy
}

export type TimeWindowedStreamHandle<K, V> = WindowedStreamHandle<K, V, TimeWindows | SlidingWindows | UnlimitedWindows>
export type SessionWindowedStreamHandle<K, V> = WindowedStreamHandle<K, V, SessionWindows>

/**
 * Combines the values of each key and window into an aggregate and emits it, on every update or when the window closes.
 *
 * Records with a null key are dropped, for sliding windows also those with a null value; elsewhere the aggregator gets null
 * values. A record enters those of its windows that are still open; for each that is closed (its end + grace <= stream time
 * of this operator, for sliding windows <) it is counted as `late`. A result's timestamp is the highest of its window's
 * records.
 *
 * @param initializer - Makes the aggregate of a window's first record.
 * @param aggregator - Gets key, value and aggregate; returns the new aggregate, or null to delete it. Synchronous.
 * @param options - `value` is the serde of the aggregate; `retention` how long windows can be read, at least size + grace
 *   (sliding: twice the difference + grace).
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
  // Only sessions are ever merged.
  const functions = { initializer, aggregator, merger: () => null }
  return aggregateWindows(
    handle,
    { operator: 'aggregate', prefix: 'KSTREAM-AGGREGATE-', functions, valueSerde: undefined },
    options
  )
}

export interface WindowAggregation<K, V, A> {
  readonly operator: string
  readonly prefix: string
  readonly functions: AggregateFunctions<K, V, A>
  /** Used when none is given. */
  readonly valueSerde: Serde<A> | undefined
}

/** What `aggregate`, `count` and `reduce` of windows have in common. */
export function aggregateWindows<K, V, A, W extends AnyWindows>(
  { grouped, windows, emits }: WindowedStreamHandle<K, V, W>,
  { operator, prefix, functions, valueSerde }: WindowAggregation<K, V, A>,
  options: WindowMaterializedOptions<K, A>
): TableHandle<Windowed<K>, A, HandleOfWindows<W, K, A>> {
  const { graph } = grouped.upstream
  const { name, isNamed } = storeName(graph, options, prefix)
  const nodeName = graph.names.orGenerate(options.name, prefix)
  const key = resolveSerde<K>('key', options.key, grouped.upstream.key, nodeName, `${operator}()`)
  const value = resolveSerde<A>('value', options.value, valueSerde, nodeName, `${operator}()`)
  const kind = windowKind(windows, emits)
  const view = new AggregateView<Windowed<K>, A>(kind.reader(name))
  return addAggregation(grouped, {
    nodeName,
    store: windowStore(name, key, value, kind.store, options),
    supplier: () => kind.processor(name, functions, view.sendsOldValues),
    view,
    key: kind.keySerde(key),
    value,
    handle: isNamed ? ({ name, kind: kind.store.kind } as HandleOfWindows<W, K, A>) : undefined,
    traits: { windowCloseDelayMs: kind.closeDelayMs }
  })
}
