import { checkFunction } from '../add-step.ts'
import { addTableStep, type DerivedHandle } from '../add-table-step.ts'
import type { MaterializedOptions } from '../materialized.ts'
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
      skipsUnknown: false,
      open: () => ({ compute: (key, value) => (value === null ? null : (mapper(value, key) ?? null)) })
    },
    options
  )
}
