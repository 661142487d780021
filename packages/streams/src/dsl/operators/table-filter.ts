import { checkFunction } from '../add-step.ts'
import { addTableStep, type DerivedHandle } from '../add-table-step.ts'
import type { MaterializedOptions } from '../materialized.ts'
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
