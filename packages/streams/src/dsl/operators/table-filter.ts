import { checkFunction } from '../add-step.ts'
import { addTableStep, type DerivedHandle } from '../add-table-step.ts'
import type { MaterializedOptions } from '../materialized.ts'
import type { TableHandle } from '../table-handle.ts'

type Predicate<K, V> = (key: K, value: V) => boolean

/** Documented at `KTable.filter`. */
export function tableFilter<K, V>(
  table: TableHandle<K, V>,
  predicate: Predicate<K, V>,
  options: MaterializedOptions<K, V> = {}
): TableHandle<K, V, DerivedHandle<K, V>> {
  return addFilter('filter', table, predicate, true, options)
}

/** Documented at `KTable.filterNot`. */
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
  return addTableStep<K, V, V>(
    table,
    {
      operator,
      prefix: 'KTABLE-FILTER-',
      keepsValues: true,
      skipsUnknown: true,
      open: () => ({
        compute: (key, value) => (value !== null && Boolean(predicate(key, value)) === passes ? value : null)
      })
    },
    options
  )
}
