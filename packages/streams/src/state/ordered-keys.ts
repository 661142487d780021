const PAGE_KEYS = 256

/** A sorted set of strings that takes insertions anywhere at the price of one short splice. */
export class OrderedKeys {
  private pages: string[][] = []

  static of(keys: Iterable<string>): OrderedKeys {
    const sorted = [...new Set(keys)].sort(compare)
    const ordered = new OrderedKeys()
    for (let start = 0; start < sorted.length; start += PAGE_KEYS) {
      ordered.pages.push(sorted.slice(start, start + PAGE_KEYS))
    }
    return ordered
  }

  add(key: string): void {
    if (this.pages.length === 0) {
      this.pages.push([key])
      return
    }
    const lastPage = this.pages.at(-1) as string[]
    // Most new keys are of a later time than all that are there.
    const isLast = (lastPage.at(-1) as string) < key
    const pageIndex = isLast ? this.pages.length - 1 : Math.max(0, this.pageAfter(key) - 1)
    const page = this.pages[pageIndex] as string[]
    const at = isLast ? page.length : lowerBound(page, key)
    if (page[at] === key) return
    page.splice(at, 0, key)
    if (page.length > 2 * PAGE_KEYS) this.pages.splice(pageIndex + 1, 0, page.splice(PAGE_KEYS))
  }

  delete(key: string): void {
    const pageIndex = this.pageAfter(key) - 1
    const page = this.pages[pageIndex]
    if (page === undefined) return
    const at = lowerBound(page, key)
    if (page[at] !== key) return
    page.splice(at, 1)
    if (page.length === 0) this.pages.splice(pageIndex, 1)
  }

  /** The least key at or after `from`; undefined when there is none. */
  atOrAfter(from: string): string | undefined {
    const pageIndex = Math.max(0, this.pageAfter(from) - 1)
    const page = this.pages[pageIndex]
    if (page === undefined) return undefined
    return page[lowerBound(page, from)] ?? this.pages[pageIndex + 1]?.[0]
  }

  /** Up to `limit` keys of [from, to), ascending. An undefined `to` is open. */
  slice(from: string, to: string | undefined, limit = Number.POSITIVE_INFINITY): string[] {
    const keys: string[] = []
    let pageIndex = Math.max(0, this.pageAfter(from) - 1)
    let at = lowerBound(this.pages[pageIndex] ?? [], from)
    for (; pageIndex < this.pages.length; pageIndex++, at = 0) {
      const page = this.pages[pageIndex] as string[]
      for (; at < page.length; at++) {
        const key = page[at] as string
        if ((to !== undefined && key >= to) || keys.length >= limit) return keys
        keys.push(key)
      }
    }
    return keys
  }

  /** Index of the first page whose first key is above `key`. */
  private pageAfter(key: string): number {
    let low = 0
    let high = this.pages.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (((this.pages[middle] as string[])[0] as string) <= key) low = middle + 1
      else high = middle
    }
    return low
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function lowerBound(page: readonly string[], key: string): number {
  let low = 0
  let high = page.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((page[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}
