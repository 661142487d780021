import type { Random } from './clock.ts'

/** Node's own randomness; only for jitter, never for anything that has to be unguessable. */
export const systemRandom: Random = () => Math.random()
