const SEED = 0x9747b28c
const M = 0x5bd1e995

/** The hash by which Kafka's clients choose a key's partition. Written apart from ours, which the benchmark measures. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes
  const at = (index: number): number => bytes[index] as number
  let hash = SEED ^ length
  const whole = length & ~3
  for (let i = 0; i < whole; i += 4) {
    let k = at(i) | (at(i + 1) << 8) | (at(i + 2) << 16) | (at(i + 3) << 24)
    k = Math.imul(k, M)
    k ^= k >>> 24
    hash = Math.imul(hash, M) ^ Math.imul(k, M)
  }
  if (length > whole) {
    for (let i = length - 1; i >= whole; i--) hash ^= at(i) << (8 * (i - whole))
    hash = Math.imul(hash, M)
  }
  hash ^= hash >>> 13
  hash = Math.imul(hash, M)
  return hash ^ (hash >>> 15)
}
