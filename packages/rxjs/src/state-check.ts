import { isDeepStrictEqual } from 'node:util'
import type { OperatorFunction } from 'rxjs'
import { OperatorRun } from './operator-run.ts'

/**
 * Whether what operators make of `value` is something else once they have seen `before`. Not so if they make something else of it
 * each time anyhow, as with random numbers: then there is nothing to compare with.
 *
 * @param outputs - what they made of `value` alone.
 */
export function carriesState<V, VR>(
  operator: OperatorFunction<V, VR>,
  before: V,
  value: V,
  outputs: readonly VR[]
): boolean {
  return (
    !isDeepStrictEqual(tried(operator, before, value), outputs) && isDeepStrictEqual(tried(operator, value), outputs)
  )
}

function tried<V, VR>(operator: OperatorFunction<V, VR>, ...values: readonly V[]): readonly VR[] | string {
  try {
    return new OperatorRun(operator).valuesOf(...values)
  } catch (error) {
    // The value before may have been one that fails, and was passed over by the handler.
    return String(error)
  }
}
