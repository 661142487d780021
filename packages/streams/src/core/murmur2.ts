const SEED = 0x9747b28c
const M = 0x5bd1e995

/**
 * The 32-bit hash of the bytes before `end` by which Kafka's Java client chooses partitions, as a signed integer.
 *
 * @see `org.apache.kafka.common.utils.Utils#murmur2`
 */
export function murmur2(bytes: Uint8Array, end = bytes.length): number {
  let h = SEED ^ end
  const whole = end & ~3
  for (let i = 0; i < whole; i += 4) {
    let k =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24)
    k = Math.imul(k, M)
    k ^= k >>> 24
    h = Math.imul(h, M) ^ Math.imul(k, M)
  }
  const rest = end & 3
  if (rest > 2) h ^= (bytes[whole + 2] as number) << 16
  if (rest > 1) h ^= (bytes[whole + 1] as number) << 8
  if (rest > 0) {
    h ^= bytes[whole] as number
    h = Math.imul(h, M)
  }
  h ^= h >>> 13
  h = Math.imul(h, M)
  return h ^ (h >>> 15)
}

/** The partition that Java's producer gives to the key bytes before `end`. */
export function murmur2Partition(keyBytes: Uint8Array, partitionCount: number, end = keyBytes.length): number {
  return (murmur2(keyBytes, end) & 0x7fffffff) % partitionCount
}
