import { checkFunction } from '../add-step.ts'
import { addTableStep, type DerivedHandle } from '../add-table-step.ts'
import type { MaterializedOptions } from '../materialized.ts'
import type { TableHandle } from '../table-handle.ts'

type Mapper<K, V, VR> = (value: V, key: K) => VR

/** Documented at `KTable.mapValues`. */
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
