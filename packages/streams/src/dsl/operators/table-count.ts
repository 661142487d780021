import { int64 } from '../../core/index.ts'
import { addTableAggregation } from '../add-table-aggregation.ts'
import { checkMaterialized, type MaterializedOptions } from '../materialized.ts'
import type { GroupedTableHandle, TableHandle } from '../table-handle.ts'
import type { KeyValueHandle } from './aggregate.ts'
import { tableAggregateSupplier } from './table-aggregate.ts'

/** Documented at `KGroupedTable.count`. */
export function tableCount<K, V>(
  grouped: GroupedTableHandle<K, V>,
  options: MaterializedOptions<K, number> = {}
): TableHandle<K, number, KeyValueHandle<K, number>> {
  checkMaterialized('count()', options)
  const supplier = tableAggregateSupplier<K, V, number>(
    () => 0,
    (_key, _value, count) => count + 1,
    (_key, _value, count) => count - 1
  )
  const aggregation = { operator: 'count', prefix: 'KTABLE-AGGREGATE-', valueSerde: int64(), supplier }
  return addTableAggregation<K, number>(grouped, aggregation, options)
}
