import { expect, it } from 'vitest'
import { EntryMap } from './entry-map.ts'
import { latin1Bytes } from './latin1.ts'
import { Entry } from './row.ts'
import { randomOf } from './test-support/state-fixture.ts'
import type { VersionTable } from './version-table.ts'

const NO_TABLE = undefined as unknown as VersionTable

it('agrees with a map through additions, deletions and growth', () => {
  const random = randomOf(7)
  const [entries, model] = [new EntryMap(), new Map<string, Entry>()]
  const check = (key: string): void => {
    const bytes = latin1Bytes(`<${key}>`)
    expect(entries.getText(key)).toBe(model.get(key))
    expect(entries.get(bytes, 1, bytes.length - 1)).toBe(model.get(key))
  }
  for (let round = 0; round < 20_000; round++) {
    // Many at first, then few: what has come and gone must neither be found nor fill the slots.
    const key = `\xff\x00${Math.floor(random() * (round < 10_000 ? 3000 : 40))}`
    const entry = model.get(key)
    if (entry === undefined) {
      const added = new Entry(NO_TABLE, key)
      entries.add(added)
      model.set(key, added)
    } else if (random() < 0.6) {
      entries.delete(entry)
      model.delete(key)
    }
    if (round % 10 === 0) check(key)
  }
  for (let i = 0; i < 3000; i++) check(`\xff\x00${i}`)
  const seen = new Set<Entry>()
  entries.forEach(entry => seen.add(entry))
  expect(seen).toEqual(new Set(model.values()))
  expect(entries.size).toBe(model.size)
  entries.clear()
  expect(entries.size).toBe(0)
  for (const key of model.keys()) expect(entries.getText(key)).toBeUndefined()
})

it('finds and forgets keys that have been chosen to collide', () => {
  const keys = collidingKeys(300)
  const entries = new EntryMap()
  const added = keys.map(key => new Entry(NO_TABLE, key))
  for (const entry of added) entries.add(entry)
  for (const [i, key] of keys.entries()) {
    expect(entries.getText(key)).toBe(added[i])
    expect(entries.get(latin1Bytes(key), 0, key.length)).toBe(added[i])
  }
  // The first gives its place up; those behind it are still found.
  for (const entry of added.slice(0, 100)) entries.delete(entry)
  for (const [i, key] of keys.entries()) expect(entries.getText(key)).toBe(i < 100 ? undefined : added[i])
  for (let i = 0; i < 5000; i++) entries.add(new Entry(NO_TABLE, `other-${i}`))
  for (const entry of added.slice(200)) entries.delete(entry)
  for (const [i, key] of keys.entries()) expect(entries.getText(key)).toBe(i < 100 || i >= 200 ? undefined : added[i])
  expect(entries.size).toBe(5100)
})

/** Keys with the same lowest bits of FNV-1a's hash, as the map mixes it. */
function collidingKeys(count: number): string[] {
  const keys: string[] = []
  for (let i = 0; keys.length < count; i++) {
    const key = `key-${i}`
    let hash = 0x811c9dc5 | 0
    for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
    let mix = hash ^ (hash >>> 16)
    mix = Math.imul(mix, 0x85ebca6b)
    mix ^= mix >>> 13
    if ((mix & 0xfff) === 0x123) keys.push(key)
  }
  return keys
}
