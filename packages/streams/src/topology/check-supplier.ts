import { described, StreamsError } from '../core/index.ts'

/**
 * What makes a processor for each task must be a function, and no class: that is called with `new` only.
 *
 * @param where - for example `process()`.
 * @throws StreamsError `TOPOLOGY_INVALID`
 */
export function checkSupplier(where: string, what: string, supplier: unknown): void {
  if (typeof supplier === 'function' && !/^class\b/.test(Function.prototype.toString.call(supplier))) return
  const given = typeof supplier === 'function' ? `the class ${supplier.name}` : described(supplier)
  throw new StreamsError(
    'TOPOLOGY_INVALID',
    `${where} takes a function as ${what}, not ${given}. Give one that makes a new one for each task: () => new Counter().`
  )
}
