import type { Change, Processor, ProcessorContext, StreamRecord } from '../../core/index.ts'
import { checkFunction } from '../add-step.ts'
import { addTableAggregation } from '../add-table-aggregation.ts'
import { checkMaterialized, type MaterializedOptions } from '../materialized.ts'
import { ChangeForwarder } from '../table/change-forwarder.ts'
import { openTableStore, type TableStore } from '../table/table-store.ts'
import type { GroupedTableHandle, TableHandle } from '../table-handle.ts'
import type { KeyValueHandle } from './aggregate.ts'
import { assertGroupKey } from './table-aggregate.ts'

type Reducer<V> = (aggregate: V, value: V) => V | null

/** Documented at `KGroupedTable.reduce`. */
export function tableReduce<K, V>(
  grouped: GroupedTableHandle<K, V>,
  adder: Reducer<V>,
  subtractor: Reducer<V>,
  options: MaterializedOptions<K, V> = {}
): TableHandle<K, V, KeyValueHandle<K, V>> {
  checkMaterialized('reduce()', options)
  checkFunction('reduce', 'adder', adder)
  checkFunction('reduce', 'subtractor', subtractor)
  const aggregation = {
    operator: 'reduce',
    prefix: 'KTABLE-REDUCE-',
    valueSerde: grouped.value,
    supplier: (storeName: string, sendsOldValues: () => boolean) => () =>
      new TableReduceProcessor<K, V>(storeName, adder, subtractor, sendsOldValues())
  }
  return addTableAggregation<K, V>(grouped, aggregation, options)
}

class TableReduceProcessor<K, V> implements Processor<K, Change<V>, K, Change<V>> {
  private readonly storeName: string
  private readonly adder: Reducer<V>
  private readonly subtractor: Reducer<V>
  private readonly sendsOldValues: boolean
  private store!: TableStore<K, V>
  private forwarder!: ChangeForwarder<K, V>

  constructor(storeName: string, adder: Reducer<V>, subtractor: Reducer<V>, sendsOldValues: boolean) {
    this.storeName = storeName
    this.adder = adder
    this.subtractor = subtractor
    this.sendsOldValues = sendsOldValues
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    this.store = openTableStore(context, this.storeName)
    this.forwarder = new ChangeForwarder(context, this.store, this.sendsOldValues)
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, value: change, headers } = record
    assertGroupKey(key, this.storeName)
    const stored = this.store.get(key)
    let { timestampMs } = record
    let aggregate: V | null = stored === undefined ? null : stored.value

    if (change.before !== null && stored !== undefined) {
      aggregate = this.subtractor(stored.value, change.before) ?? null
      timestampMs = Math.max(timestampMs, stored.timestampMs)
    }
    if (change.after !== null) {
      if (aggregate === null || stored === undefined) aggregate = change.after
      else {
        aggregate = this.adder(aggregate, change.after) ?? null
        timestampMs = Math.max(timestampMs, stored.timestampMs)
      }
    }
    const put = this.store.put(key, aggregate, timestampMs, headers)
    const before = stored === undefined ? null : stored.value
    this.forwarder.forwardPut(key, before, aggregate, timestampMs, headers, put)
  }
}
