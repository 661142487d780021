import type { StoreSpec } from '../../topology/index.ts'
import { checkFunction } from '../add-step.ts'
import { addTableStep, type DerivedHandle } from '../add-table-step.ts'
import type { MaterializedOptions } from '../materialized.ts'
import type { RowFunction } from '../table/computed-table.ts'
import type { TableHandle } from '../table-handle.ts'
import { NonForwardingContext, openTransformer, type ValueTransformerSupplier } from '../value-transformer.ts'

export interface TransformValuesOptions<K, V> extends MaterializedOptions<K, V> {
  /**
   * Stores that the transformer uses: names of stores added with `addStateStore`, or of the DSL; or declared stores, which are
   * added with it. Global stores need not be named.
   */
  readonly stores?: readonly (string | StoreSpec)[] | undefined
}

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
  return addTableStep<K, V, NonNullable<VR>>(
    table,
    {
      operator: 'transformValues',
      prefix: 'KTABLE-TRANSFORMVALUES-',
      keepsValues: false,
      uses: stores,
      skipsUnknown: false,
      open: () => transformed(supplier)
    },
    materialized
  )
}

function transformed<K, V, VR>(supplier: ValueTransformerSupplier<K, V, VR>): RowFunction<K, V, NonNullable<VR>> {
  const transformer = openTransformer(supplier)
  return {
    init: (context, isLookup) => transformer.init?.(new NonForwardingContext(context, isLookup)),
    compute: (key, value) => transformer.transform(key, value) ?? null,
    close: () => transformer.close?.()
  }
}
