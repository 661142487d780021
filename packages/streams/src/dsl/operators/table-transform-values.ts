import type {
  Change,
  Processor,
  ProcessorContext,
  StreamRecord,
  TimestampedKeyValueStore,
  ValueAndTimestamp
} from '../../core/index.ts'
import type { StoreSpec } from '../../topology/index.ts'
import { checkFunction } from '../add-step.ts'
import { addTableStep, type DerivedHandle, DerivedView } from '../add-table-step.ts'
import type { MaterializedOptions } from '../materialized.ts'
import { ChangeForwarder } from '../table/change-forwarder.ts'
import type { TableReader, TableReaderSupplier, TableView } from '../table/table-view.ts'
import type { TableHandle } from '../table-handle.ts'
import {
  NonForwardingContext,
  openTransformer,
  type StatefulValueTransformer,
  type ValueTransformerSupplier
} from '../value-transformer.ts'

export interface TransformValuesOptions<K, V> extends MaterializedOptions<K, V> {
  /**
   * Stores that the transformer uses: names of stores added with `addStateStore`, or of the DSL; or declared stores, which are
   * added with it. Global stores need not be named.
   */
  readonly stores?: readonly (string | StoreSpec)[] | undefined
}

/** A row that does not exist has no time. */
const NO_TIME = -1

/**
 * Makes a new value of each row with a transformer of your own, which may use stores; the keys stay.
 *
 * Unlike `mapValues` it also sees deletions, as null; what it makes of them is a row. Without a name the result is not stored:
 * a look-up by an operator below calls a transformer of its own, also for rows that do not exist. Name a store when the
 * transformer's result depends on more than the row.
 *
 * ```ts
 * table.transformValues(() => (key, value) => value ?? `no ${key}`)
 * ```
 *
 * @param supplier - Must give a new transformer each time. A null from the transformer deletes the row.
 * @throws StreamsError `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_UNKNOWN_STORE`, `TOPOLOGY_DUPLICATE_STORE` while building
 * @see Kafka Streams `KTable#transformValues`
 */
export function tableTransformValues<K, V, VR>(
  table: TableHandle<K, V>,
  supplier: ValueTransformerSupplier<K, V, VR>,
  options: TransformValuesOptions<K, NonNullable<VR>> = {}
): TableHandle<K, NonNullable<VR>, DerivedHandle<K, NonNullable<VR>>> {
  checkFunction('transformValues', 'supplier of transformers', supplier)
  const { stores = [], ...materialized } = options
  const names = stores.map(store => (typeof store === 'string' ? store : store.name))
  return addTableStep<K, V, NonNullable<VR>>(
    table,
    {
      operator: 'transformValues',
      prefix: 'KTABLE-TRANSFORMVALUES-',
      keepsValues: false,
      uses: stores,
      view: (parent, storeName) => new TransformView<K, V, VR>(parent.view, storeName, supplier, names)
    },
    materialized
  )
}

class TransformView<K, V, VR> extends DerivedView<K, V, NonNullable<VR>> {
  readonly #supplier: ValueTransformerSupplier<K, V, VR>
  readonly #used: readonly string[]

  constructor(
    parent: TableView<K, V>,
    storeName: string | undefined,
    supplier: ValueTransformerSupplier<K, V, VR>,
    used: readonly string[]
  ) {
    super(parent, storeName)
    this.#supplier = supplier
    this.#used = used
  }

  createProcessor(): Processor<K, Change<V>, K, Change<NonNullable<VR>>> {
    return new TableTransformValuesProcessor(openTransformer(this.#supplier), this.storeName, this.sendsOldValues)
  }

  protected computedReader(parent: TableReaderSupplier<K, V>): TableReaderSupplier<K, NonNullable<VR>> {
    return {
      stores: [...new Set([...parent.stores, ...this.#used])],
      create: () => new TransformReader(parent.create(), openTransformer(this.#supplier))
    }
  }
}

class TransformReader<K, V, VR> implements TableReader<K, NonNullable<VR>> {
  private readonly parent: TableReader<K, V>
  private readonly transformer: StatefulValueTransformer<K, V, VR>

  constructor(parent: TableReader<K, V>, transformer: StatefulValueTransformer<K, V, VR>) {
    this.parent = parent
    this.transformer = transformer
  }

  init(context: ProcessorContext<any, any>): void {
    this.parent.init(context)
    this.transformer.init?.(new NonForwardingContext(context, true))
  }

  get(key: K): ValueAndTimestamp<NonNullable<VR>> | undefined {
    return this.transformed(key, this.parent.get(key))
  }

  getForwarded(key: K): ValueAndTimestamp<NonNullable<VR>> | undefined {
    return this.transformed(key, this.parent.getForwarded(key))
  }

  getAsOf(key: K, asOfMs: number): ValueAndTimestamp<NonNullable<VR>> | undefined {
    return this.transformed(key, this.parent.getAsOf?.(key, asOfMs))
  }

  private transformed(key: K, row: ValueAndTimestamp<V> | undefined): ValueAndTimestamp<NonNullable<VR>> | undefined {
    const value = this.transformer.transform(key, row === undefined ? null : row.value) ?? null
    return value === null ? undefined : { value, timestampMs: row === undefined ? NO_TIME : row.timestampMs }
  }
}

class TableTransformValuesProcessor<K, V, VR> implements Processor<K, Change<V>, K, Change<NonNullable<VR>>> {
  private readonly transformer: StatefulValueTransformer<K, V, VR>
  private readonly storeName: string | undefined
  private readonly sendsOldValues: boolean
  private context!: ProcessorContext<K, Change<NonNullable<VR>>>
  private store: TimestampedKeyValueStore<K, NonNullable<VR>> | undefined
  private forwarder: ChangeForwarder<K, NonNullable<VR>> | undefined

  constructor(transformer: StatefulValueTransformer<K, V, VR>, storeName: string | undefined, sendsOldValues: boolean) {
    this.transformer = transformer
    this.storeName = storeName
    this.sendsOldValues = sendsOldValues
  }

  init(context: ProcessorContext<K, Change<NonNullable<VR>>>): void {
    this.context = context
    this.transformer.init?.(new NonForwardingContext(context, false))
    if (this.storeName === undefined) return
    const store = context.getStateStore<TimestampedKeyValueStore<K, NonNullable<VR>>>(this.storeName)
    this.store = store
    this.forwarder = new ChangeForwarder(context, store, this.sendsOldValues)
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, value: change, timestampMs, headers } = record
    const after = this.transformer.transform(key, change.after) ?? null
    if (this.store === undefined) {
      const before = this.sendsOldValues ? (this.transformer.transform(key, change.before) ?? null) : null
      this.context.forward({ key, value: { before, after, isLatest: change.isLatest }, timestampMs, headers })
    } else {
      const before = this.sendsOldValues ? (this.store.get(key)?.value ?? null) : null
      this.store.put(key, after, timestampMs, headers)
      this.forwarder?.forward(key, before, after, timestampMs, headers)
    }
  }

  close(): void {
    this.transformer.close?.()
  }
}
