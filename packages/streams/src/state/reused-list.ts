/** Room for more is let go when the list is emptied. */
const MAX_KEPT = 16_384

/**
 * A list that is filled and emptied again and again. An array that is emptied loses its room, and a new one for each commit lives just
 * long enough to be promoted by the collector.
 */
export class ReusedList<T> {
  private items: (T | undefined)[] = []
  length = 0

  at(index: number): T {
    return this.items[index] as T
  }

  push(item: T): void {
    this.items[this.length++] = item
  }

  pop(): T | undefined {
    if (this.length === 0) return undefined
    const item = this.items[--this.length]
    this.items[this.length] = undefined
    return item
  }

  /** Leaves the first `length` at most. */
  truncate(length: number): void {
    if (length >= this.length) return
    if (this.items.length > MAX_KEPT) this.items.length = length
    else this.items.fill(undefined, length, this.length)
    this.length = length
  }
}
