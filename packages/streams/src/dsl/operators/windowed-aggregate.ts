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

/** Documented at `TimeWindowedKStream.aggregate`. */
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
