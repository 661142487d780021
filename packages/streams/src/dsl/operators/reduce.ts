import type { Change, Processor, ProcessorContext, StreamRecord } from '../../core/index.ts'
import { addAggregation } from '../add-aggregation.ts'
import { checkFunction } from '../add-step.ts'
import {
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
import type { TableHandle } from '../table-handle.ts'
import { AggregateView, type KeyValueHandle } from './aggregate.ts'

const PREFIX = 'KSTREAM-REDUCE-'

/** Documented at `KGroupedStream.reduce`. */
export function reduce<K, V>(
  grouped: GroupedStreamHandle<K, V>,
  reducer: (aggregate: V, value: V) => V | null,
  options: MaterializedOptions<K, V> = {}
): TableHandle<K, V, KeyValueHandle<K, V>> {
  checkMaterialized('reduce()', options)
  checkFunction('reduce', 'reducer', reducer)
  const { upstream } = grouped
  const { name, isNamed } = storeName(upstream.graph, options, PREFIX)
  const nodeName = upstream.graph.names.orGenerate(options.name, PREFIX)
  const key = resolveSerde('key', options.key, upstream.key, nodeName, 'reduce()')
  const value = resolveSerde('value', options.value, upstream.value, nodeName, 'reduce()')
  const store = keyValueStore(name, key, value, options)
  const view = new AggregateView<K, V>(storeReader(name), store.historyRetentionMs)
  return addAggregation(grouped, {
    nodeName,
    store,
    supplier: () => new ReduceProcessor(name, reducer, view.sendsOldValues),
    view,
    key,
    value,
    handle: isNamed ? keyValueHandle(store) : undefined
  })
}

class ReduceProcessor<K, V> implements Processor<K, V, K, Change<V>> {
  private readonly storeName: string
  private readonly reducer: (aggregate: V, value: V) => V | null
  private readonly sendsOldValues: boolean
  private context!: ProcessorContext<K, Change<V>>
  private store!: TableStore<K, V>
  private forwarder!: ChangeForwarder<K, V>

  constructor(storeName: string, reducer: (aggregate: V, value: V) => V | null, sendsOldValues: boolean) {
    this.storeName = storeName
    this.reducer = reducer
    this.sendsOldValues = sendsOldValues
  }

  init(context: ProcessorContext<K, Change<V>>): void {
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
    const after = stored === undefined ? value : (this.reducer(stored.value, value) ?? null)
    const timestampMs = stored === undefined ? record.timestampMs : Math.max(record.timestampMs, stored.timestampMs)
    const put = this.store.put(key, after, timestampMs, headers)
    this.forwarder.forwardPut(key, stored === undefined ? null : stored.value, after, timestampMs, headers, put)
  }
}
