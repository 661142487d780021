import {
  type Change,
  type Processor,
  type ProcessorContext,
  type StreamRecord,
  StreamsError
} from '../../core/index.ts'
import { checkFunction } from '../add-step.ts'
import { addTableAggregation } from '../add-table-aggregation.ts'
import type { AnySupplier } from '../graph/graph-node.ts'
import { type AggregateOptions, checkMaterialized } from '../materialized.ts'
import { ChangeForwarder } from '../table/change-forwarder.ts'
import { openTableStore, type TableStore } from '../table/table-store.ts'
import type { GroupedTableHandle, TableHandle } from '../table-handle.ts'
import type { Aggregator, KeyValueHandle } from './aggregate.ts'

/** Documented at `KGroupedTable.aggregate`. */
export function tableAggregate<K, V, A>(
  grouped: GroupedTableHandle<K, V>,
  initializer: () => A,
  adder: Aggregator<K, V, A>,
  subtractor: Aggregator<K, V, A>,
  options: AggregateOptions<K, A>
): TableHandle<K, A, KeyValueHandle<K, A>> {
  checkMaterialized('aggregate()', options)
  checkFunction('aggregate', 'initializer', initializer)
  checkFunction('aggregate', 'adder', adder)
  checkFunction('aggregate', 'subtractor', subtractor)
  const supplier = tableAggregateSupplier(initializer, adder, subtractor)
  const aggregation = { operator: 'aggregate', prefix: 'KTABLE-AGGREGATE-', valueSerde: undefined, supplier }
  return addTableAggregation<K, A>(grouped, aggregation, options)
}

/** What `aggregate` and `count` have in common. */
export function tableAggregateSupplier<K, V, A>(
  initializer: () => A,
  adder: Aggregator<K, V, A>,
  subtractor: Aggregator<K, V, A>
): (storeName: string, sendsOldValues: () => boolean) => AnySupplier {
  return (storeName, sendsOldValues) => () =>
    new TableAggregateProcessor(storeName, initializer, adder, subtractor, sendsOldValues())
}

class TableAggregateProcessor<K, V, A> implements Processor<K, Change<V>, K, Change<A>> {
  private readonly storeName: string
  private readonly initializer: () => A
  private readonly adder: Aggregator<K, V, A>
  private readonly subtractor: Aggregator<K, V, A>
  private readonly sendsOldValues: boolean
  private store!: TableStore<K, A>
  private forwarder!: ChangeForwarder<K, A>

  constructor(
    storeName: string,
    initializer: () => A,
    adder: Aggregator<K, V, A>,
    subtractor: Aggregator<K, V, A>,
    sendsOldValues: boolean
  ) {
    this.storeName = storeName
    this.initializer = initializer
    this.adder = adder
    this.subtractor = subtractor
    this.sendsOldValues = sendsOldValues
  }

  init(context: ProcessorContext<K, Change<A>>): void {
    this.store = openTableStore(context, this.storeName)
    this.forwarder = new ChangeForwarder(context, this.store, this.sendsOldValues)
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, value: change, headers } = record
    assertGroupKey(key, this.storeName)
    const stored = this.store.get(key)
    let { timestampMs } = record
    let aggregate: A | null = stored === undefined ? null : stored.value

    if (change.before !== null && stored !== undefined) {
      aggregate = this.subtractor(key, change.before, stored.value) ?? null
      timestampMs = Math.max(timestampMs, stored.timestampMs)
    }
    if (change.after !== null) {
      aggregate = this.adder(key, change.after, aggregate === null ? this.initializer() : aggregate) ?? null
      if (stored !== undefined) timestampMs = Math.max(timestampMs, stored.timestampMs)
    }
    const put = this.store.put(key, aggregate, timestampMs, headers)
    const before = stored === undefined ? null : stored.value
    this.forwarder.forwardPut(key, before, aggregate, timestampMs, headers, put)
  }
}

/** The group's key was checked before the repartition topic: a null here comes from elsewhere. */
export function assertGroupKey(key: unknown, storeName: string): void {
  if (key === null) {
    throw new StreamsError(
      'RECORD_PROCESS_FAILED',
      `A record without a key reached the grouped table with store '${storeName}'. Something else writes its repartition topic.`
    )
  }
}
