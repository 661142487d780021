import type {
  Change,
  Processor,
  ProcessorContext,
  StreamRecord,
  TimestampedKeyValueStore,
  ValueAndTimestamp
} from '../../core/index.ts'
import { checkFunction } from '../add-step.ts'
import { addTableStep, type DerivedHandle, DerivedView } from '../add-table-step.ts'
import type { MaterializedOptions } from '../materialized.ts'
import { ChangeForwarder } from '../table/change-forwarder.ts'
import type { TableReader, TableReaderSupplier, TableView } from '../table/table-view.ts'
import type { TableHandle } from '../table-handle.ts'

type Predicate<K, V> = (key: K, value: V) => boolean

/**
 * The rows for which the predicate holds. A row that stops fitting is deleted.
 *
 * A deletion is forwarded for every update that does not fit, unless old values are at hand (the table above is stored, or
 * an operator below needs them): then only if the row was there.
 *
 * @param predicate - Not called for deletions. Synchronous.
 * @see Kafka Streams `KTable#filter`
 */
export function tableFilter<K, V>(
  table: TableHandle<K, V>,
  predicate: Predicate<K, V>,
  options: MaterializedOptions<K, V> = {}
): TableHandle<K, V, DerivedHandle<K, V>> {
  return addFilter('filter', table, predicate, true, options)
}

/**
 * The rows for which the predicate does not hold; otherwise as `filter`.
 *
 * @see Kafka Streams `KTable#filterNot`
 */
export function tableFilterNot<K, V>(
  table: TableHandle<K, V>,
  predicate: Predicate<K, V>,
  options: MaterializedOptions<K, V> = {}
): TableHandle<K, V, DerivedHandle<K, V>> {
  return addFilter('filterNot', table, predicate, false, options)
}

function addFilter<K, V>(
  operator: string,
  table: TableHandle<K, V>,
  predicate: Predicate<K, V>,
  passes: boolean,
  options: MaterializedOptions<K, V>
): TableHandle<K, V, DerivedHandle<K, V>> {
  checkFunction(operator, 'predicate', predicate)
  const test: Predicate<K, V> = (key, value) => Boolean(predicate(key, value)) === passes
  return addTableStep<K, V, V>(
    table,
    {
      operator,
      prefix: 'KTABLE-FILTER-',
      keepsValues: true,
      view: (parent, storeName) => new FilterView(parent.view, storeName, test)
    },
    options
  )
}

class FilterView<K, V> extends DerivedView<K, V, V> {
  readonly #test: Predicate<K, V>

  constructor(parent: TableView<K, V>, storeName: string | undefined, test: Predicate<K, V>) {
    super(parent, storeName)
    this.#test = test
    // Where the parent has old values anyway, they spare deletions of rows that never were there.
    this.sendsOldValues = parent.sendOldValues(false)
  }

  createProcessor(): Processor<K, Change<V>, K, Change<V>> {
    const skipsUnknown = this.sendsOldValues && this.parent.isVersioned !== true
    return new TableFilterProcessor(this.#test, this.storeName, this.sendsOldValues, skipsUnknown)
  }

  protected computedReader(parent: TableReaderSupplier<K, V>): TableReaderSupplier<K, V> {
    return { stores: parent.stores, create: () => new FilterReader(parent.create(), this.#test) }
  }
}

class FilterReader<K, V> implements TableReader<K, V> {
  private readonly parent: TableReader<K, V>
  private readonly test: Predicate<K, V>

  constructor(parent: TableReader<K, V>, test: Predicate<K, V>) {
    this.parent = parent
    this.test = test
  }

  init(context: ProcessorContext<any, any>): void {
    this.parent.init(context)
  }

  get(key: K): ValueAndTimestamp<V> | undefined {
    return this.tested(key, this.parent.get(key))
  }

  getForwarded(key: K): ValueAndTimestamp<V> | undefined {
    return this.tested(key, this.parent.getForwarded(key))
  }

  getAsOf(key: K, asOfMs: number): ValueAndTimestamp<V> | undefined {
    return this.tested(key, this.parent.getAsOf?.(key, asOfMs))
  }

  private tested(key: K, row: ValueAndTimestamp<V> | undefined): ValueAndTimestamp<V> | undefined {
    return row !== undefined && this.test(key, row.value) ? row : undefined
  }
}

class TableFilterProcessor<K, V> implements Processor<K, Change<V>, K, Change<V>> {
  private readonly test: Predicate<K, V>
  private readonly storeName: string | undefined
  private readonly sendsOldValues: boolean
  /** Deletions of rows that never passed. A versioned table has to know them: they may end a version that did. */
  private readonly skipsUnknown: boolean
  private context!: ProcessorContext<K, Change<V>>
  private store: TimestampedKeyValueStore<K, V> | undefined
  private forwarder: ChangeForwarder<K, V> | undefined

  constructor(test: Predicate<K, V>, storeName: string | undefined, sendsOldValues: boolean, skipsUnknown: boolean) {
    this.test = test
    this.storeName = storeName
    this.sendsOldValues = sendsOldValues
    this.skipsUnknown = skipsUnknown
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    this.context = context
    if (this.storeName === undefined) return
    const store = context.getStateStore<TimestampedKeyValueStore<K, V>>(this.storeName)
    this.store = store
    this.forwarder = new ChangeForwarder(context, store, this.sendsOldValues)
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, value: change, timestampMs, headers } = record
    const after = this.passed(key, change.after)
    const before = this.sendsOldValues ? this.valueBefore(key, change) : null
    if (this.skipsUnknown && before === null && after === null) return
    if (this.store === undefined) {
      this.context.forward({ key, value: { before, after, isLatest: change.isLatest }, timestampMs, headers })
    } else {
      this.store.put(key, after, timestampMs, headers)
      this.forwarder?.forward(key, before, after, timestampMs, headers)
    }
  }

  private valueBefore(key: K, change: Change<V>): V | null {
    return this.store === undefined ? this.passed(key, change.before) : (this.store.get(key)?.value ?? null)
  }

  private passed(key: K, value: V | null): V | null {
    return value !== null && this.test(key, value) ? value : null
  }
}
