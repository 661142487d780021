import { Page } from './page.ts'
import type { Entry, Row } from './row.ts'
import type { PageTable } from './page-table.ts'

/** A key that ends with this is the root of a group of items, with 0x01 one of the pages below it. */
export const GROUP = '\x00'
/** The same for groups that index other groups of the table: roots end with 0x02, the pages below with 0x03. */
export const INDEX_GROUP = '\x02'

export function isRootOf(mark: string, pageKey: string): boolean {
  return pageKey.charCodeAt(pageKey.length - 1) === mark.charCodeAt(0)
}

/**
 * Sorted groups of items in the pages of one table. A group is a B+ tree whose root page has the group's key; most
 * groups are that one page. Pages come from the memory or by `getSync`, so everything is synchronous, and only the
 * pages in use are in memory. Writing is in place, except that a page that is sealed and not yet written is copied.
 */
export class PageTree {
  private readonly table: PageTable
  private readonly maxPageBytes: number
  /** Counts changes, so that cursors know whether their page is still right. */
  version = 0
  private readonly pathEntries: Entry[] = []
  private readonly pathIndexes: number[] = []
  private depth = 0

  constructor(table: PageTable, maxPageBytes: number) {
    this.table = table
    this.maxPageBytes = maxPageBytes
  }

  find(root: Entry, key: string): Row | undefined {
    let page = this.pageOf(root)
    if (page === undefined) return undefined
    while (page.level > 0) page = this.childPage(root.key, page, page.childIndex(key))
    const at = page.lowerBound(key)
    return page.keyAt(at) === key ? page.itemAt(at) : undefined
  }

  /** The item with the greatest key at or below `key`, and its key in `floorKey`. */
  floor(root: Entry, key: string): Row | undefined {
    let bound = key
    let inclusive = true
    for (;;) {
      let page = this.pageOf(root)
      if (page === undefined) return undefined
      let lower: string | undefined
      while (page.level > 0) {
        let index: number = page.childIndex(bound)
        if (!inclusive && index > 0 && page.keyAt(index) === bound) index--
        if (index > 0) lower = page.keyAt(index)
        page = this.childPage(root.key, page, index)
      }
      let at: number = page.lowerBound(bound)
      if (!inclusive || page.keyAt(at) !== bound) at--
      if (at >= 0) {
        this.floorKey = page.keyAt(at) as string
        return page.itemAt(at)
      }
      if (lower === undefined) return undefined
      bound = lower
      inclusive = false
    }
  }

  floorKey = ''

  /** Appends the items of [from, to) to both lists. */
  collect(root: Entry, from: string, to: string | undefined, keys: string[], items: Row[]): void {
    const page = this.pageOf(root)
    if (page !== undefined) this.collectPage(root.key, page, from, to, keys, items)
  }

  /** Returns whether the key is new. The item belongs to the tree from now on. */
  put(root: Entry, key: string, item: Row): boolean {
    this.version++
    this.descend(root, key)
    const page = this.writablePage(this.depth)
    const before = page.memoryBytes
    const at = page.lowerBound(key)
    const isNew = page.keyAt(at) !== key
    if (isNew) page.insertItem(at, key, item)
    else page.replaceItem(at, item)
    this.table.pageResized(page.memoryBytes - before)
    if (page.encodedBytes > this.maxPageBytes) this.split(page, at === page.count - 1)
    return isNew
  }

  /** Returns whether the key was there. */
  delete(root: Entry, key: string): boolean {
    if (this.find(root, key) === undefined) return false
    this.version++
    this.descend(root, key)
    const page = this.writablePage(this.depth)
    const before = page.memoryBytes
    page.removeAt(page.lowerBound(key))
    this.table.pageResized(page.memoryBytes - before)
    if (page.count === 0) this.removePage()
    else if (this.depth > 0 && page.encodedBytes < this.maxPageBytes / 4) this.merge(page)
    return true
  }

  /**
   * Finds the first key above `key` (or at it, if `inclusive`): the leaf in `seekPage`, the index returned; -1 when there
   * is none. `seekUpper` is then the least key of the next leaf, undefined for the last.
   */
  seek(root: Entry, key: string, inclusive: boolean): number {
    let from = key
    let orAt = inclusive
    for (;;) {
      let page = this.pageOf(root)
      if (page === undefined) return -1
      let upper: string | undefined
      while (page.level > 0) {
        const index: number = page.childIndex(from)
        upper = page.keyAt(index + 1) ?? upper
        page = this.childPage(root.key, page, index)
      }
      let at = page.lowerBound(from)
      if (!orAt && page.keyAt(at) === from) at++
      this.seekPage = page
      this.seekUpper = upper
      if (at < page.count) return at
      if (upper === undefined) return -1
      from = upper
      orAt = true
    }
  }

  seekPage: Page = new Page()
  seekUpper: string | undefined = undefined

  rootOf(key: string): Entry {
    return this.table.entryOf(key)
  }

  private pageOf(entry: Entry): Page | undefined {
    return this.table.read(entry)
  }

  private childPage(rootKey: string, parent: Page, index: number): Page {
    return this.pageOf(this.childEntry(rootKey, parent.children[index] as number)) as Page
  }

  private childEntry(rootKey: string, child: number): Entry {
    return this.table.entryOf(childKey(rootKey, child))
  }

  private collectPage(
    rootKey: string,
    page: Page,
    from: string,
    to: string | undefined,
    keys: string[],
    items: Row[]
  ): void {
    if (page.level === 0) {
      for (let at = page.lowerBound(from); at < page.count; at++) {
        const key = page.keyAt(at) as string
        if (to !== undefined && key >= to) return
        keys.push(key)
        items.push(page.itemAt(at))
      }
      return
    }
    for (let index = page.childIndex(from); index < page.count; index++) {
      if (index > 0 && to !== undefined && (page.keyAt(index) as string) >= to) return
      this.collectPage(rootKey, this.childPage(rootKey, page, index), from, to, keys, items)
    }
  }

  /** Fills the path from the root to the leaf in which `key` lies. */
  private descend(root: Entry, key: string): void {
    let entry = root
    let depth = 0
    for (;;) {
      this.pathEntries[depth] = entry
      const page = this.pageOf(entry)
      if (page === undefined || page.level === 0) break
      const index = page.childIndex(key)
      this.pathIndexes[depth] = index
      entry = this.childEntry(root.key, page.children[index] as number)
      depth++
    }
    this.depth = depth
  }

  private writablePage(depth: number): Page {
    // Reading pages may have evicted those that were read before.
    const entry = this.live(this.pathEntries[depth] as Entry)
    this.pathEntries[depth] = entry
    return this.table.pageForWriting(entry)
  }

  private live(entry: Entry): Entry {
    return entry.dropped ? this.table.entryOf(entry.key) : entry
  }

  /** Splits the page at the end of the path; `atEnd`: it grows at its end, and what is before is left full. */
  private split(full: Page, atEnd: boolean): void {
    let page = full
    let isAtEnd = atEnd
    for (let depth = this.depth; page.count > 1 && page.encodedBytes > this.maxPageBytes; depth--) {
      const root = this.writablePage(0)
      const rootKey = (this.pathEntries[0] as Entry).key
      let parent: Page
      let index: number
      if (depth === 0) {
        // The root keeps its key: its content moves into a page below it.
        const child = root.nextPage++
        const below = this.table.pageForWriting(this.childEntry(rootKey, child))
        const before = below.memoryBytes + root.memoryBytes
        below.takeFrom(root)
        root.takeChild(below.level + 1, child)
        this.table.pageResized(below.memoryBytes + root.memoryBytes - before)
        page = below
        parent = root
        index = 0
      } else {
        parent = depth === 1 ? root : this.writablePage(depth - 1)
        index = this.pathIndexes[depth - 1] as number
      }
      const rightNumber = root.nextPage++
      const right = this.table.pageForWriting(this.childEntry(rootKey, rightNumber))
      const before = page.memoryBytes + right.memoryBytes + parent.memoryBytes
      right.takeFrom(page.splitAt(isAtEnd ? page.count - 1 : page.count >>> 1))
      parent.insertChild(index + 1, right.keyAt(0) as string, rightNumber)
      this.table.pageResized(page.memoryBytes + right.memoryBytes + parent.memoryBytes - before)
      isAtEnd = isAtEnd && index + 2 === parent.count
      page = parent
      if (depth === 0) return
    }
  }

  /** Removes the empty page at the end of the path, and those above it that become empty by that. */
  private removePage(): void {
    let depth = this.depth
    for (; depth > 0; depth--) {
      this.table.deletePage(this.live(this.pathEntries[depth] as Entry))
      const parent = this.writablePage(depth - 1)
      const before = parent.memoryBytes
      parent.removeAt(this.pathIndexes[depth - 1] as number)
      this.table.pageResized(parent.memoryBytes - before)
      if (parent.count > 0) break
    }
    const root = this.live(this.pathEntries[0] as Entry)
    if (depth === 0) this.table.deletePage(root)
    else this.collapse(root)
  }

  /** Puts a small leaf together with a neighbour, if the two leave room. */
  private merge(page: Page): void {
    const parentEntry = this.live(this.pathEntries[this.depth - 1] as Entry)
    const parent = this.pageOf(parentEntry) as Page
    const index = this.pathIndexes[this.depth - 1] as number
    const rootKey = (this.pathEntries[0] as Entry).key
    const isLast = index + 1 === parent.count
    if (isLast && index === 0) return
    const neighbourNumber = parent.children[isLast ? index - 1 : index + 1] as number
    const neighbour = this.pageOf(this.childEntry(rootKey, neighbourNumber)) as Page
    if (page.encodedBytes + neighbour.encodedBytes > this.maxPageBytes / 2) return
    const leftIndex = isLast ? index - 1 : index
    const left = this.table.pageForWriting(this.childEntry(rootKey, parent.children[leftIndex] as number))
    const rightEntry = this.childEntry(rootKey, parent.children[leftIndex + 1] as number)
    const writableParent = this.table.pageForWriting(this.live(parentEntry))
    const before = left.memoryBytes + writableParent.memoryBytes
    left.append(isLast ? page : neighbour)
    writableParent.removeAt(leftIndex + 1)
    this.table.pageResized(left.memoryBytes + writableParent.memoryBytes - before)
    this.table.deletePage(rightEntry)
    this.collapse(this.live(this.pathEntries[0] as Entry))
  }

  /** A root over a single page takes that page's place. */
  private collapse(rootEntry: Entry): void {
    for (;;) {
      const current = this.pageOf(rootEntry) as Page
      if (current.level === 0 || current.count > 1) return
      const root = this.table.pageForWriting(this.live(rootEntry))
      const childEntry = this.childEntry(rootEntry.key, root.children[0] as number)
      const child = (this.pageOf(childEntry) as Page).copy()
      const before = root.memoryBytes
      const { nextPage } = root
      root.takeFrom(child)
      root.nextPage = root.level === 0 ? 1 : nextPage
      this.table.pageResized(root.memoryBytes - before)
      this.table.deletePage(this.live(childEntry))
    }
  }
}

/** Goes through the items of one group in order, and stays right when they change under it. */
export class TreeCursor {
  private readonly tree: PageTree
  private readonly rootKey: string
  private root: Entry
  private readonly to: string | undefined
  private page: Page | undefined = undefined
  private at = 0
  private upper: string | undefined = undefined
  private version = -1
  key: string
  item: Row | undefined = undefined
  private isAfterKey = false
  private isAtEnd = false

  /** Items of [from, to). */
  constructor(tree: PageTree, rootKey: string, from: string, to: string | undefined) {
    this.tree = tree
    this.rootKey = rootKey
    this.root = tree.rootOf(rootKey)
    this.key = from
    this.to = to
  }

  next(): boolean {
    if (this.isAtEnd && this.version === this.tree.version) return false
    if (this.page !== undefined && this.version === this.tree.version && this.at + 1 < this.page.count) this.at++
    else if (!this.seek()) return this.end()
    const page = this.page as Page
    const key = page.keyAt(this.at) as string
    if (this.to !== undefined && key >= this.to) return this.end()
    this.isAtEnd = false
    this.key = key
    this.isAfterKey = true
    this.item = page.itemAt(this.at)
    return true
  }

  private seek(): boolean {
    const { tree } = this
    const isUnchanged = this.page !== undefined && this.version === tree.version
    if (this.root.dropped) this.root = tree.rootOf(this.rootKey)
    this.version = tree.version
    if (isUnchanged) {
      if (this.upper === undefined) return false
      this.at = tree.seek(this.root, this.upper, true)
    } else this.at = tree.seek(this.root, this.key, !this.isAfterKey)
    this.page = this.at < 0 ? undefined : tree.seekPage
    this.upper = tree.seekUpper
    return this.at >= 0
  }

  private end(): boolean {
    this.isAtEnd = true
    this.page = undefined
    this.version = this.tree.version
    return false
  }
}

function childKey(rootKey: string, child: number): string {
  const last = rootKey.length - 1
  const high = Math.floor(child / 0x1_0000_0000)
  return (
    rootKey.slice(0, last) +
    String.fromCharCode(
      (high >>> 8) & 0xff,
      high & 0xff,
      child >>> 24,
      (child >>> 16) & 0xff,
      (child >>> 8) & 0xff,
      child & 0xff,
      rootKey.charCodeAt(last) + 1
    )
  )
}
