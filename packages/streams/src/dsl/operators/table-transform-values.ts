import { checkNodeOptions, checkSupplier, type StoreSpec } from '../../topology/index.ts'
import { addTableStep, type DerivedHandle } from '../add-table-step.ts'
import { MATERIALIZED_OPTIONS, type MaterializedOptions } from '../materialized.ts'
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

/** Documented at `KTable.transformValues`. */
export function tableTransformValues<K, V, VR>(
  table: TableHandle<K, V>,
  supplier: ValueTransformerSupplier<K, V, VR>,
  options: TransformValuesOptions<K, NonNullable<VR>> = {}
): TableHandle<K, NonNullable<VR>, DerivedHandle<K, NonNullable<VR>>> {
  checkSupplier('transformValues()', 'supplier of transformers', supplier)
  checkNodeOptions('transformValues()', options, [...MATERIALIZED_OPTIONS, 'stores'])
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
