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

type Mapper<K, V, VR> = (value: V, key: K) => VR

/**
 * Makes a new value of each row; the keys stay.
 *
 * Without a name the result is not stored: a look-up by an operator below calls the mapper again on the row above.
 *
 * @param mapper - Gets the value and the key. A null from it deletes the row. Not called for deletions. Synchronous, and
 *   always the same for the same row.
 * @see Kafka Streams `KTable#mapValues`
 */
export function tableMapValues<K, V, VR>(
  table: TableHandle<K, V>,
  mapper: Mapper<K, V, VR>,
  options: MaterializedOptions<K, NonNullable<VR>> = {}
): TableHandle<K, NonNullable<VR>, DerivedHandle<K, NonNullable<VR>>> {
  checkFunction('mapValues', 'mapper', mapper)
  return addTableStep<K, V, NonNullable<VR>>(
    table,
    {
      operator: 'mapValues',
      prefix: 'KTABLE-MAPVALUES-',
      keepsValues: false,
      view: (parent, storeName) => new MapView<K, V, VR>(parent.view, storeName, mapper)
    },
    options
  )
}

class MapView<K, V, VR> extends DerivedView<K, V, NonNullable<VR>> {
  readonly #mapper: Mapper<K, V, VR>

  constructor(parent: TableView<K, V>, storeName: string | undefined, mapper: Mapper<K, V, VR>) {
    super(parent, storeName)
    this.#mapper = mapper
  }

  createProcessor(): Processor<K, Change<V>, K, Change<NonNullable<VR>>> {
    return new TableMapValuesProcessor(this.#mapper, this.storeName, this.sendsOldValues)
  }

  protected computedReader(parent: TableReaderSupplier<K, V>): TableReaderSupplier<K, NonNullable<VR>> {
    return { stores: parent.stores, create: () => new MapReader(parent.create(), this.#mapper) }
  }
}

class MapReader<K, V, VR> implements TableReader<K, NonNullable<VR>> {
  private readonly parent: TableReader<K, V>
  private readonly mapper: Mapper<K, V, VR>

  constructor(parent: TableReader<K, V>, mapper: Mapper<K, V, VR>) {
    this.parent = parent
    this.mapper = mapper
  }

  init(context: ProcessorContext<any, any>): void {
    this.parent.init(context)
  }

  get(key: K): ValueAndTimestamp<NonNullable<VR>> | undefined {
    return this.mapped(key, this.parent.get(key))
  }

  getForwarded(key: K): ValueAndTimestamp<NonNullable<VR>> | undefined {
    return this.mapped(key, this.parent.getForwarded(key))
  }

  getAsOf(key: K, asOfMs: number): ValueAndTimestamp<NonNullable<VR>> | undefined {
    return this.mapped(key, this.parent.getAsOf?.(key, asOfMs))
  }

  private mapped(key: K, row: ValueAndTimestamp<V> | undefined): ValueAndTimestamp<NonNullable<VR>> | undefined {
    if (row === undefined) return undefined
    const value = this.mapper(row.value, key) ?? null
    return value === null ? undefined : { value, timestampMs: row.timestampMs }
  }
}

class TableMapValuesProcessor<K, V, VR> implements Processor<K, Change<V>, K, Change<NonNullable<VR>>> {
  private readonly mapper: Mapper<K, V, VR>
  private readonly storeName: string | undefined
  private readonly sendsOldValues: boolean
  private context!: ProcessorContext<K, Change<NonNullable<VR>>>
  private store: TimestampedKeyValueStore<K, NonNullable<VR>> | undefined
  private forwarder: ChangeForwarder<K, NonNullable<VR>> | undefined

  constructor(mapper: Mapper<K, V, VR>, storeName: string | undefined, sendsOldValues: boolean) {
    this.mapper = mapper
    this.storeName = storeName
    this.sendsOldValues = sendsOldValues
  }

  init(context: ProcessorContext<K, Change<NonNullable<VR>>>): void {
    this.context = context
    if (this.storeName === undefined) return
    const store = context.getStateStore<TimestampedKeyValueStore<K, NonNullable<VR>>>(this.storeName)
    this.store = store
    this.forwarder = new ChangeForwarder(context, store, this.sendsOldValues)
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, value: change, timestampMs, headers } = record
    const after = this.mapped(key, change.after)
    const before = this.sendsOldValues ? this.valueBefore(key, change) : null
    if (this.store === undefined) {
      this.context.forward({ key, value: { before, after, isLatest: change.isLatest }, timestampMs, headers })
    } else {
      this.store.put(key, after, timestampMs, headers)
      this.forwarder?.forward(key, before, after, timestampMs, headers)
    }
  }

  private valueBefore(key: K, change: Change<V>): NonNullable<VR> | null {
    return this.store === undefined ? this.mapped(key, change.before) : (this.store.get(key)?.value ?? null)
  }

  private mapped(key: K, value: V | null): NonNullable<VR> | null {
    return value === null ? null : (this.mapper(value, key) ?? null)
  }
}
