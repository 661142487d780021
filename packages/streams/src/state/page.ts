import { type ByteChunks, copyBytes } from './byte-chunks.ts'
import { latin1OfRange, writeLatin1 } from './latin1.ts'
import { readInteger, writeInteger } from './raw-layout.ts'
import { Row, TimestampedRow, Version } from './row.ts'

/** What one item costs in memory beside its key and value: the row, the key's header, two array slots. */
const ITEM_BYTES = 112
const PAGE_BYTES = 160
/** Arrays of so many are kept at their exact length: `push` makes room for 17. */
const FEW_ITEMS = 8
/** Of a page without arrays, which has one item at most. Never changed. */
const NO_KEYS: string[] = []
const NO_ITEMS: Row[] = []
/** Of all leaves. Never changed. */
const NO_CHILDREN: number[] = []
/** Roughly what lengths and a timestamp take in the encoded page. */
const ENCODED_ITEM_BYTES = 12

/**
 * A sorted list: of items (level 0), or of pages below (level 1 and above, keyed by their least keys).
 *
 * ```
 * level:u8 nextPage:u48 (level > 0 only) count:varint
 * count × { keyLength:varint, valueLength + 1:varint }   a deletion that is kept has 0
 * keys
 * values: { timestamp:i64 (timestamped stores only) bytes } or page numbers:u48
 * ```
 */
export class Page extends Version {
  /** Items, or pages below. */
  count = 0
  level = 0
  /** Bytes of keys and values. */
  dataBytes = 0
  // Most groups are one item, and what lies all over the memory is what costs: that one needs no arrays.
  private onlyKey = ''
  private onlyItem: Row | undefined = undefined
  private keys: string[] = NO_KEYS
  private items: Row[] = NO_ITEMS
  /** Numbers of the pages below. */
  children: number[] = NO_CHILDREN
  /** The number that the next page of this tree gets; in its root only. */
  nextPage = 1

  /** Undefined behind the last. */
  keyAt(at: number): string | undefined {
    if (this.keys !== NO_KEYS) return this.keys[at]
    return at === 0 && this.count === 1 ? this.onlyKey : undefined
  }

  itemAt(at: number): Row {
    return (this.keys === NO_KEYS ? this.onlyItem : this.items[at]) as Row
  }

  get encodedBytes(): number {
    return this.dataBytes + this.count * ENCODED_ITEM_BYTES
  }

  get valueBytes(): number {
    return this.deleted ? 0 : this.memoryBytes
  }

  get memoryBytes(): number {
    return PAGE_BYTES + this.dataBytes + this.count * ITEM_BYTES
  }

  /** Shares the items, which are replaced and never changed. */
  copy(): Page {
    const page = new Page()
    page.takeFrom(this)
    if (this.keys === NO_KEYS) return page
    page.keys = this.keys.slice()
    page.items = this.items.slice()
    if (this.level > 0) page.children = this.children.slice()
    return page
  }

  /** Takes over what is in another page, which must not be used any more. */
  takeFrom(page: Page): void {
    this.count = page.count
    this.level = page.level
    this.dataBytes = page.dataBytes
    this.onlyKey = page.onlyKey
    this.onlyItem = page.onlyItem
    this.keys = page.keys
    this.items = page.items
    this.children = page.children
    this.nextPage = page.nextPage
  }

  /** Becomes a page of this level over a single one. */
  takeChild(level: number, child: number): void {
    this.level = level
    this.count = 1
    this.dataBytes = 0
    this.onlyItem = undefined
    this.keys = ['']
    this.items = NO_ITEMS
    this.children = [child]
  }

  /** Index of the first key at or above `key`. */
  lowerBound(key: string): number {
    const { keys } = this
    if (keys === NO_KEYS) return this.count === 1 && this.onlyKey < key ? 1 : 0
    let low = 0
    let high = keys.length
    // Most puts are at the end: time goes on.
    if (high === 0 || (keys[high - 1] as string) < key) return high
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((keys[middle] as string) < key) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Index of the page below in which `key` lies: the last whose least key is not above it, or the first. */
  childIndex(key: string): number {
    const { keys } = this
    let low = 0
    let high = keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((keys[middle] as string) <= key) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }

  insertItem(at: number, key: string, item: Row): void {
    const { count } = this
    if (count === 0 && this.keys === NO_KEYS) {
      this.onlyKey = key
      this.onlyItem = item
    } else {
      this.makeArrays()
      if (count < FEW_ITEMS) {
        this.keys = withInserted(this.keys, at, key)
        this.items = withInserted(this.items, at, item)
      } else if (at === count) {
        this.keys.push(key)
        this.items.push(item)
      } else {
        this.keys.splice(at, 0, key)
        this.items.splice(at, 0, item)
      }
    }
    this.count = count + 1
    this.dataBytes += key.length + item.valueBytes
  }

  replaceItem(at: number, item: Row): void {
    this.dataBytes += item.valueBytes - this.itemAt(at).valueBytes
    if (this.keys === NO_KEYS) this.onlyItem = item
    else this.items[at] = item
  }

  insertChild(at: number, key: string, child: number): void {
    this.keys.splice(at, 0, key)
    this.children.splice(at, 0, child)
    this.count++
    this.dataBytes += key.length
  }

  removeAt(at: number): void {
    this.count--
    if (this.keys === NO_KEYS) {
      this.dataBytes -= this.onlyKey.length + (this.onlyItem as Row).valueBytes
      this.onlyKey = ''
      this.onlyItem = undefined
      return
    }
    this.dataBytes -= (this.keys[at] as string).length
    if (this.level === 0) {
      this.dataBytes -= (this.items[at] as Row).valueBytes
      removeFrom(this.items, at)
    } else this.children.splice(at, 1)
    removeFrom(this.keys, at)
    if (this.count > 0 || this.level > 0) return
    this.keys = NO_KEYS
    this.items = NO_ITEMS
  }

  /** Moves everything from `at` on into a new page. */
  splitAt(at: number): Page {
    const right = new Page()
    right.level = this.level
    right.keys = this.keys.splice(at)
    if (this.level > 0) right.children = this.children.splice(at)
    else right.items = this.items.splice(at)
    right.recount()
    this.recount()
    return right
  }

  /** Takes over the items of the page behind this one. */
  append(right: Page): void {
    this.makeArrays()
    right.makeArrays()
    this.keys = this.keys.concat(right.keys)
    this.items = this.items.concat(right.items)
    this.count += right.count
    this.dataBytes += right.dataBytes
  }

  private makeArrays(): void {
    if (this.keys !== NO_KEYS) return
    this.keys = this.count === 1 ? [this.onlyKey] : []
    this.items = this.count === 1 ? [this.onlyItem as Row] : []
    this.onlyKey = ''
    this.onlyItem = undefined
  }

  private recount(): void {
    let bytes = 0
    for (const key of this.keys) bytes += key.length
    for (const item of this.items) bytes += item.valueBytes
    this.count = this.keys.length
    this.dataBytes = bytes
  }

  /**
   * Writes the page into `chunks.chunk`, from `chunks.start` on; returns where it ends. Afterwards the items' bytes lie there: the
   * buffers of which their few bytes were a part are let go.
   */
  encode(timestamped: boolean, chunks: ByteChunks): number {
    const { keys, items, level, count } = this
    if (keys === NO_KEYS && count === 1) return this.encodeOne(timestamped, chunks)
    const start = chunks.take(this.encodedLength(timestamped))
    const bytes = chunks.chunk
    bytes[start] = level
    let at = start + 1
    if (level > 0) at = bytes.writeUIntBE(this.nextPage, at, 6)
    at = writeVarint(bytes, at, count)
    for (let i = 0; i < count; i++) {
      at = writeVarint(bytes, at, (keys[i] as string).length)
      if (level === 0) {
        const item = items[i] as Row
        at = writeVarint(bytes, at, item.deleted ? 0 : item.valueBytes + 1)
      }
    }
    for (let i = 0; i < count; i++) {
      const key = keys[i] as string
      writeLatin1(bytes, key, at)
      at += key.length
    }
    if (level > 0) {
      for (let i = 0; i < count; i++) at = bytes.writeUIntBE(this.children[i] as number, at, 6)
      return at
    }
    // Values that lay together in the page's last encoding are copied together.
    let source: Uint8Array | undefined
    let from = 0
    let to = 0
    let copyAt = at
    for (let i = 0; i < count; i++) {
      const item = items[i] as Row
      if (timestamped) {
        writeInteger(bytes, at, (item as TimestampedRow).timestampMs)
        at += 8
      }
      if (item.deleted) continue
      const length = item.valueBytes
      if (timestamped || item.bytes !== source || item.offset !== to) {
        if (source !== undefined) copyBytes(source, from, to, bytes, copyAt)
        source = item.bytes as Uint8Array
        from = item.offset
        to = from
        copyAt = at
      }
      to += length
      item.bytes = bytes
      item.offset = at
      at += length
      item.end = at
    }
    if (source !== undefined) copyBytes(source, from, to, bytes, copyAt)
    return at
  }

  private encodeOne(timestamped: boolean, chunks: ByteChunks): number {
    const key = this.onlyKey
    const item = this.onlyItem as Row
    const valueLength = item.valueBytes
    const valueMark = item.deleted ? 0 : valueLength + 1
    const headLength = 2 + varintLength(key.length) + varintLength(valueMark) + key.length + (timestamped ? 8 : 0)
    const start = chunks.take(headLength + valueLength)
    const bytes = chunks.chunk
    bytes[start] = 0
    bytes[start + 1] = 1
    let at = writeVarint(bytes, start + 2, key.length)
    at = writeVarint(bytes, at, valueMark)
    writeLatin1(bytes, key, at)
    at += key.length
    if (timestamped) {
      writeInteger(bytes, at, (item as TimestampedRow).timestampMs)
      at += 8
    }
    if (item.deleted) return at
    copyBytes(item.bytes as Uint8Array, item.offset, item.offset + valueLength, bytes, at)
    item.bytes = bytes
    item.offset = at
    item.end = at + valueLength
    return item.end
  }

  private encodedLength(timestamped: boolean): number {
    const { keys, items, level, count } = this
    let length = 1 + (level > 0 ? 6 * (count + 1) : timestamped ? 8 * count : 0) + varintLength(count)
    for (let i = 0; i < count; i++) {
      const keyLength = (keys[i] as string).length
      length += keyLength + varintLength(keyLength)
      if (level > 0) continue
      const item = items[i] as Row
      const valueLength = item.deleted ? 0 : item.valueBytes
      length += valueLength + varintLength(item.deleted ? 0 : valueLength + 1)
    }
    return length
  }

  /** Copies the values to where `chunks` has room, but for those in a buffer that has hardly more than this page. */
  moveValues(chunks: ByteChunks): void {
    if (this.level > 0) return
    for (let i = 0; i < this.count; i++) {
      const item = this.itemAt(i)
      if (item.deleted || (item.bytes as Uint8Array).length <= 2 * this.encodedBytes) continue
      item.moveTo(chunks)
    }
  }

  /** The items' values stay undecoded, as parts of `bytes`. */
  static decode(bytes: Buffer, timestamped: boolean): Page {
    const page = new Page()
    page.level = bytes[0] as number
    const reader = { at: 1 }
    if (page.level > 0) {
      page.nextPage = bytes.readUIntBE(1, 6)
      reader.at = 7
    }
    const count = readVarint(bytes, reader)
    const lengths: number[] = []
    const valueLengths: number[] = []
    let keyBytes = 0
    for (let i = 0; i < count; i++) {
      const length = readVarint(bytes, reader)
      lengths.push(length)
      keyBytes += length
      if (page.level === 0) valueLengths.push(readVarint(bytes, reader))
    }
    // One call for all keys, cut into parts: a call for each would take longer than all the rest.
    const text = latin1OfRange(bytes, reader.at, reader.at + keyBytes)
    let { at } = reader
    at += keyBytes
    let keyAt = 0
    let dataBytes = keyBytes
    const keys: string[] = []
    const items: Row[] = []
    const children: number[] = []
    for (let i = 0; i < count; i++) {
      const keyEnd = keyAt + (lengths[i] as number)
      keys.push(text.slice(keyAt, keyEnd))
      keyAt = keyEnd
      if (page.level > 0) {
        children.push(bytes.readUIntBE(at, 6))
        at += 6
        continue
      }
      let item: Row
      if (timestamped) {
        const timed = new TimestampedRow()
        timed.timestampMs = readInteger(bytes, at)
        at += 8
        item = timed
      } else item = new Row()
      const length = (valueLengths[i] as number) - 1
      if (length < 0) item.deleted = true
      else {
        item.bytes = bytes
        item.offset = at
        at += length
        item.end = at
        dataBytes += length
      }
      items.push(item)
    }
    page.count = count
    if (page.level > 0) {
      page.keys = keys
      page.children = children
    } else if (count === 1) {
      page.onlyKey = keys[0] as string
      page.onlyItem = items[0]
    } else if (count > 1) {
      page.keys = keys
      page.items = items
    }
    page.dataBytes = dataBytes
    return page
  }
}

/** The last one without moving or cutting off anything: most groups are one item, and the next takes its place. */
function removeFrom(list: unknown[], at: number): void {
  if (at === list.length - 1) list.pop()
  else list.splice(at, 1)
}

function withInserted<T>(list: readonly T[], at: number, value: T): T[] {
  return [...list.slice(0, at), value, ...list.slice(at)]
}

function varintLength(value: number): number {
  let length = 1
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) length++
  return length
}

function writeVarint(bytes: Buffer, at: number, value: number): number {
  let rest = value
  let next = at
  while (rest >= 0x80) {
    bytes[next++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[next++] = rest
  return next
}

function readVarint(bytes: Buffer, reader: { at: number }): number {
  let value = 0
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[reader.at++] as number
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) return value
  }
}
