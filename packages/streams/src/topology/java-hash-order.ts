/**
 * The order in which Java's `HashSet` and `HashMap` iterate over strings. Kafka Streams prints some sets in it, and the
 * text of `describe()` has to be the same.
 *
 * @param strings - distinct, in the order in which they were inserted.
 * @param isCopy - of another collection: Java then sizes the table at once instead of letting it grow.
 */
export function javaHashOrder(strings: readonly string[], isCopy = false): string[] {
  const capacity = isCopy ? copyCapacity(strings.length) : grownCapacity(strings.length)
  return strings
    .map((text, index) => ({ text, index, bucket: spread(javaHashCode(text)) & (capacity - 1) }))
    .sort((a, b) => a.bucket - b.bucket || a.index - b.index)
    .map(({ text }) => text)
}

function javaHashCode(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0
  return hash
}

function spread(hash: number): number {
  return hash ^ (hash >>> 16)
}

/** A table of 16 doubles whenever it is more than three quarters full. */
function grownCapacity(size: number): number {
  let capacity = 16
  while (size > capacity * 0.75) capacity *= 2
  return capacity
}

function copyCapacity(size: number): number {
  const wanted = Math.max(Math.floor(size / 0.75) + 1, 16)
  let capacity = 16
  while (capacity < wanted) capacity *= 2
  return capacity
}
