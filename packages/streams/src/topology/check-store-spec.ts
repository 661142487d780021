import { described, StreamsError } from '../core/index.ts'
import type { StoreSpec } from './store-spec.ts'

/** @throws StreamsError `TOPOLOGY_INVALID` for what is no declared store. */
export function checkStoreSpec(spec: StoreSpec): void {
  if (typeof spec?.name === 'string' && typeof spec.kind === 'string') return
  throw new StreamsError(
    'TOPOLOGY_INVALID',
    `addStateStore() takes a declared store, not ${described(spec)}. Make one: keyValueStore('counts', { key: string(), value: json() }).`
  )
}
