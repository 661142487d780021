/** A shuffled copy. The same seed gives the same order, on every machine. */
export function shuffle<T>(items: readonly T[], seed: number): T[] {
  const shuffled = [...items]
  const random = mulberry32(seed)
  for (let index = shuffled.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1))
    const item = shuffled[index] as T
    shuffled[index] = shuffled[other] as T
    shuffled[other] = item
  }
  return shuffled
}

/** A small generator of numbers in [0, 1) with 32 bits of state. */
function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
