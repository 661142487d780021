import { latin1OfRange } from './latin1.ts'
import type { Entry } from './row.ts'

const MIN_SLOTS = 16
/** How far a key may lie behind its place; those that would lie further are in a map of their own, whatever made them collide. */
const MAX_PROBES = 64
/** Marks of slots without an entry. */
const NEVER_USED = 0
const USED_BEFORE = 1

/**
 * Entries by their keys. A key is looked for as bytes, so that no text is made for one that is there already, and a look-up
 * touches few places: the hashes of all slots lie in one array, and a key is compared only where its hash is found. A `Map` follows
 * a chain through the keys of all that share a bucket.
 */
export class EntryMap {
  private hashes = new Int32Array(MIN_SLOTS)
  private slots: (Entry | undefined)[] = emptySlots(MIN_SLOTS)
  private overflow: Map<string, Entry> | undefined = undefined
  size = 0
  /** Slots that are not `NEVER_USED`. */
  private usedSlots = 0

  /** The key is bytes [from, to). */
  get(bytes: Uint8Array, from: number, to: number): Entry | undefined {
    const { hashes } = this
    const mask = hashes.length - 1
    const hash = hashOfBytes(bytes, from, to)
    for (let probe = 0, at = hash & mask; probe < MAX_PROBES; probe++, at = (at + 1) & mask) {
      const found = hashes[at] as number
      if (found === NEVER_USED) return undefined
      if (found !== hash) continue
      const entry = this.slots[at] as Entry
      if (isKey(entry.key, bytes, from, to)) return entry
    }
    return this.overflow?.get(latin1OfRange(bytes, from, to))
  }

  getText(key: string): Entry | undefined {
    const { hashes } = this
    const mask = hashes.length - 1
    const hash = hashOfText(key)
    for (let probe = 0, at = hash & mask; probe < MAX_PROBES; probe++, at = (at + 1) & mask) {
      const found = hashes[at] as number
      if (found === NEVER_USED) return undefined
      if (found !== hash) continue
      const entry = this.slots[at] as Entry
      if (entry.key === key) return entry
    }
    return this.overflow?.get(key)
  }

  /** Of a key that is not there. */
  add(entry: Entry): void {
    this.size++
    // At most half of the slots: what is not there is found missing at the first or second.
    if (2 * (this.usedSlots + 1) > this.hashes.length) this.rehash()
    this.place(hashOfText(entry.key), entry)
  }

  delete(entry: Entry): void {
    const { hashes, slots } = this
    const mask = hashes.length - 1
    const hash = hashOfText(entry.key)
    for (
      let probe = 0, at = hash & mask;
      probe < MAX_PROBES && hashes[at] !== NEVER_USED;
      probe++, at = (at + 1) & mask
    ) {
      if (slots[at] !== entry) continue
      hashes[at] = USED_BEFORE
      slots[at] = undefined
      this.size--
      return
    }
    if (this.overflow?.get(entry.key) !== entry) return
    this.overflow.delete(entry.key)
    this.size--
  }

  clear(): void {
    this.hashes = new Int32Array(MIN_SLOTS)
    this.slots = emptySlots(MIN_SLOTS)
    this.overflow = undefined
    this.size = 0
    this.usedSlots = 0
  }

  /** Of all entries that are there at the beginning, in any order. */
  forEach(visit: (entry: Entry) => void): void {
    const { slots, overflow } = this
    for (let at = 0; at < slots.length; at++) {
      const entry = slots[at]
      if (entry !== undefined) visit(entry)
    }
    overflow?.forEach(visit)
  }

  private place(hash: number, entry: Entry): void {
    const { hashes } = this
    const mask = hashes.length - 1
    for (let probe = 0, at = hash & mask; probe < MAX_PROBES; probe++, at = (at + 1) & mask) {
      const found = hashes[at]
      if (found !== NEVER_USED && found !== USED_BEFORE) continue
      if (found === NEVER_USED) this.usedSlots++
      hashes[at] = hash
      this.slots[at] = entry
      return
    }
    this.overflow ??= new Map()
    this.overflow.set(entry.key, entry)
  }

  /** Also where entries have only come and gone. */
  private rehash(): void {
    const { hashes, slots, overflow } = this
    let length = MIN_SLOTS
    while (length < 4 * this.size) length *= 2
    this.hashes = new Int32Array(length)
    this.slots = emptySlots(length)
    this.overflow = undefined
    this.usedSlots = 0
    for (let at = 0; at < slots.length; at++) {
      const entry = slots[at]
      if (entry !== undefined) this.place(hashes[at] as number, entry)
    }
    overflow?.forEach(entry => this.place(hashOfText(entry.key), entry))
  }
}

function emptySlots(length: number): (Entry | undefined)[] {
  return Array.from({ length })
}

/** FNV-1a, with its bits mixed so that the lowest depend on all; never a mark. */
function hashOfBytes(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5 | 0
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193)
  return mixed(hash)
}

function hashOfText(key: string): number {
  let hash = 0x811c9dc5 | 0
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return mixed(hash)
}

function mixed(hash: number): number {
  let mix = hash ^ (hash >>> 16)
  mix = Math.imul(mix, 0x85ebca6b)
  mix ^= mix >>> 13
  return mix === NEVER_USED || mix === USED_BEFORE ? -1 : mix
}

function isKey(key: string, bytes: Uint8Array, from: number, to: number): boolean {
  if (key.length !== to - from) return false
  for (let i = 0; i < key.length; i++) if (key.charCodeAt(i) !== bytes[from + i]) return false
  return true
}
