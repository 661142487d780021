import { type StateStore, StreamsError } from '../../core/index.ts'

const READS = [
  'get',
  'getAsOf',
  'versions',
  'range',
  'cursor',
  'prefixCursor',
  'first',
  'fetchOne',
  'fetch',
  'fetchAll',
  'fetchRange',
  'fetchSession',
  'findSessions',
  'all',
  'approximateNumEntries'
]
const WRITES = ['put', 'remove', 'onFlush']
const PROPERTIES = ['windowSizeMs', 'retentionMs', 'historyRetentionMs']

type Member = (...args: unknown[]) => unknown

/** A store that can be read and not changed: what tasks get of a global store. */
export function readOnlyStore(store: StateStore): StateStore {
  const members = store as unknown as Readonly<Record<string, unknown>>
  const facade: Record<string, unknown> = { name: store.name }
  for (const name of READS) {
    if (typeof members[name] === 'function') facade[name] = (members[name] as Member).bind(store)
  }
  for (const name of PROPERTIES) if (name in members) facade[name] = members[name]
  for (const name of WRITES) {
    facade[name] = () => {
      throw new StreamsError(
        'STORE_READ_ONLY',
        `The global store '${store.name}' can only be read here. Write to its topic instead: every instance then takes it over.`,
        { details: { store: store.name, operation: name } }
      )
    }
  }
  return facade as unknown as StateStore
}
