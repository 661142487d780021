import { ByteChunks } from './byte-chunks.ts'
import { ExactBuffers } from './exact-buffers.ts'
import { Page } from './page.ts'
import { ABSENT, type Entry, type HeldItems, IN_CLEAN_LIST, ON_DISK, type Version } from './row.ts'
import { isIdle, VersionTable, type VersionTableOptions } from './version-table.ts'

export interface PageTableOptions extends VersionTableOptions {
  /** Items keep a timestamp. */
  readonly timestamped: boolean
}

/** Pages of groups of items (page-tree.ts), by their keys. A page is a value of our own, which is held decoded and changed in place. */
export class PageTable extends VersionTable {
  private readonly timestamped: boolean
  private readonly encodings = new ByteChunks()
  /** Where values of pages lie that are in use for long. */
  private readonly lasting = new ByteChunks()
  private readonly exact = new ExactBuffers()

  constructor(options: PageTableOptions) {
    super(options)
    this.timestamped = options.timestamped
  }

  /** The newest version, or undefined when there is none or it is deleted. */
  read(entry: Entry): Page | undefined {
    const page = entry.active ?? entry.sealed ?? this.readClean(entry)
    return page.deleted ? undefined : (page as Page)
  }

  /**
   * The page of this entry for changing: that of the active generation, that of the disk, a copy of the sealed one, or a
   * new one. A page that equals the disk is changed in place: should the change be discarded, it is read anew.
   */
  pageForWriting(entry: Entry): Page {
    const { active, sealed } = entry
    if (active !== undefined) {
      if (!active.deleted) return active as Page
      // One that was emptied is taken again for the next item: a session that grows is removed and put again.
      const page = active === ABSENT ? new Page() : (active as Page)
      page.deleted = false
      entry.active = page
      this.activeBytes += page.memoryBytes
      return page
    }
    let page: Page
    if (sealed !== undefined) page = sealed.deleted ? new Page() : (sealed as Page).copy()
    else {
      const clean = this.readClean(entry)
      if (clean.deleted) page = new Page()
      else {
        page = clean as Page
        entry.clean = ON_DISK
      }
    }
    this.addActive(entry, page)
    this.activeBytes += page.memoryBytes
    return page
  }

  deletePage(entry: Entry): void {
    const { active } = entry
    if (active === undefined) {
      this.addActive(entry, ABSENT)
      return
    }
    if (active.deleted) return
    const page = active as Page
    this.activeBytes -= page.memoryBytes
    if (page.level === 0 && page.count === 0) page.deleted = true
    else entry.active = ABSENT
  }

  /** A page of the active generation has grown or shrunk by this. */
  pageResized(bytes: number): void {
    this.activeBytes += bytes
  }

  /** Keeps the entry in memory, and visible to scans, while the record cache holds back items of its group. */
  hold(entry: Entry, held: HeldItems): void {
    if (entry.list === IN_CLEAN_LIST) this.clean.remove(entry)
    entry.held = held
    this.dirtyKeys?.add(entry.key)
  }

  release(entry: Entry): void {
    entry.held = undefined
    if (isIdle(entry)) this.clean.add(entry)
  }

  protected override loaded(bytes: Uint8Array): Page {
    return Page.decode(bufferOf(bytes), this.timestamped)
  }

  /** Whoever scans wants the keys of the pages only. */
  protected override scanned(): Version {
    return ON_DISK
  }

  protected override rawValueOf(page: Version): Uint8Array {
    const { encodings } = this
    const end = (page as Page).encode(this.timestamped, encodings)
    return this.exact.holding(encodings.chunk, encodings.start, end)
  }

  protected override compact(): void {}

  protected override replaced(): void {}

  override repack(version: Version): void {
    if (version !== ON_DISK) (version as Page).moveValues(this.lasting)
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
