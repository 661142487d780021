import type { Random } from '@millrace/streams/ports'

/** The same numbers for the same seed: a linear congruential generator, good enough to choose by. */
export function seededRandom(seed: number): Random {
  let state = (seed * 2_654_435_761) >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
}
