import { expect, test } from 'vitest'
import { NO_HEADERS } from '../core/index.ts'
import { CleanCache } from './clean-cache.ts'
import { latin1Bytes } from './latin1.ts'
import { MemoryRawStore } from './memory-raw-store.ts'
import type { Row } from './row.ts'
import { RowTable } from './row-table.ts'

interface Named {
  readonly name: string
}

/** The table of a store of objects, with a clean cache of so many bytes. */
function objectTable(cleanBytes: number): RowTable {
  return new RowTable({
    raw: new MemoryRawStore(),
    prefix: '\x01\x00\x01',
    clean: new CleanCache(cleanBytes),
    timestamped: true,
    encodeValue: value => Buffer.from(JSON.stringify(value)),
    decodeValue: (bytes, offset, end) => JSON.parse(Buffer.from(bytes).toString('utf8', offset, end)),
    changelogKey: latin1Bytes,
    changelog: undefined,
    cache: undefined,
    flushFailed: error => {
      throw error
    }
  })
}

function put(table: RowTable, key: string, name: string): Row {
  const entry = table.entryOf(key)
  table.write(entry, undefined, { name }, 7, NO_HEADERS)
  return entry.active as Row
}

function nameIn(table: RowTable, key: string): string {
  return (table.valueOf(table.read(table.entryOf(key)) as Row) as Named).name
}

async function commit(table: RowTable): Promise<void> {
  table.seal()
  table.startWriting(undefined)
  const writes = []
  for (let write = table.nextWrite(); write !== undefined; write = table.nextWrite()) {
    writes.push({ key: Buffer.from(write.key), value: write.value === null ? null : Buffer.from(write.value) })
  }
  await (table as unknown as { raw: MemoryRawStore }).raw.write(writes)
  table.sealedWritten()
}

/** Of all buffers that the keys' rows in memory hold on to. */
function heldBytes(table: RowTable, keys: readonly string[]): number {
  const buffers = new Set<ArrayBufferLike>()
  for (const key of keys) {
    const { bytes } = table.read(table.entryOf(key)) as Row
    if (bytes !== undefined) buffers.add(bytes.buffer)
  }
  return [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0)
}

test('a key that is written again and again between two commits takes no new room', () => {
  const table = objectTable(1 << 20)
  const row = put(table, 'hot', 'x'.repeat(50))
  const { bytes, offset } = row
  for (let i = 0; i < 1_000; i++) put(table, 'hot', `${i}`.padStart(50))
  expect(row.bytes === bytes && row.offset === offset).toBe(true)
  expect(nameIn(table, 'hot')).toBe('999'.padStart(50))
  put(table, 'hot', 'y'.repeat(60))
  expect(nameIn(table, 'hot')).toBe('y'.repeat(60))
})

test('uncommitted bytes count the row, its key and its value, of new rows and of those that are used again', async () => {
  const table = objectTable(1 << 20)
  const once = 240 + 'key'.length + JSON.stringify({ name: 'five!' }).length
  for (let commits = 0; commits < 3; commits++) {
    put(table, 'key', 'five!')
    expect(table.uncommittedBytes).toBe(once)
    put(table, 'key', 'again')
    expect(table.uncommittedBytes).toBe(once)
    table.write(table.entryOf('a number'), undefined, 7, 7, NO_HEADERS)
    table.write(table.entryOf('a number'), undefined, 8, 7, NO_HEADERS)
    expect(table.uncommittedBytes).toBe(once + 240 + 'a number'.length + 8)
    await commit(table)
  }
})

test('a value written in the place of another leaves its neighbours, and what was sealed, as they were', async () => {
  const table = objectTable(1 << 20)
  for (const key of ['a', 'b', 'c']) put(table, key, `${key}, first`)
  table.seal()
  const sealed = table.entryOf('b').sealed as Row
  put(table, 'b', 'b, later')
  put(table, 'b', 'b')
  expect(table.valueOf(sealed)).toEqual({ name: 'b, first' })
  expect(['a', 'b', 'c'].map(key => nameIn(table, key))).toEqual(['a, first', 'b', 'c, first'])
})

test.each([
  ['that shrink', (_round: number) => 10],
  ['of changing length', (round: number) => 60 + 40 * (round % 2)],
  ['that come and go', (round: number) => (round % 2 === 0 ? undefined : 60)]
])('values %s between two commits hold no more than they are after the commit', async (_what, lengthIn) => {
  const table = objectTable(1 << 20)
  const keys = Array.from({ length: 200 }, (_, i) => `key ${i}`)
  for (const key of keys) {
    put(table, key, 'y'.repeat(300))
    for (let round = 0; round < 100; round++) {
      const length = lengthIn(round)
      if (length === undefined) table.write(table.entryOf('hot'), undefined, null, 7, NO_HEADERS)
      else put(table, 'hot', 'x'.repeat(length))
    }
  }
  put(table, 'was large', 'z'.repeat(1_000_000))
  put(table, 'was large', 'small')
  expect(table.uncommittedBytes).toBeGreaterThan(1_000_000)
  await commit(table)
  expect(table.uncommittedBytes).toBe(0)
  expect(heldBytes(table, [...keys, 'hot', 'was large'])).toBeLessThan(2 * 200 * 320)
  expect([nameIn(table, 'key 7'), nameIn(table, 'was large')]).toEqual(['y'.repeat(300), 'small'])
})

test('rows that stay in memory among many that go hold little more than their own bytes', async () => {
  const table = objectTable(1_500_000)
  const hot = Array.from({ length: 100 }, (_, i) => `hot ${i}`)
  const name = 'n'.repeat(60)
  // Each of those that stay is put among forty that go.
  for (const [i, key] of hot.entries()) {
    put(table, key, `${name} ${i}`)
    for (let j = 0; j < 40; j++) put(table, `cold ${i} ${j}`, name)
  }
  await commit(table)
  expect(heldBytes(table, hot)).toBeGreaterThan(50 * 4096)
  for (let round = 0; round < 10; round++) {
    for (const key of hot) table.read(table.entryOf(key))
    for (let j = 0; j < 1000; j++) put(table, `later ${round} ${j}`, name)
    await commit(table)
  }
  expect(table.knownEntry('cold 0 0')).toBe(undefined)
  expect(heldBytes(table, hot)).toBeLessThan(10 * 4096)
  expect(hot.map(key => nameIn(table, key))).toEqual(hot.map((_, i) => `${name} ${i}`))
})

test('a row that was read from disk is kept without the buffer in which it came', async () => {
  const table = objectTable(1 << 20)
  const keys = Array.from({ length: 50 }, (_, i) => `key ${i}`)
  for (const key of keys) put(table, key, `of ${key}`)
  await commit(table)
  table.reset()
  expect(keys.map(key => nameIn(table, key))).toEqual(keys.map(key => `of ${key}`))
  expect(heldBytes(table, keys)).toBe(4096)
})

test('rows of which a commit made newer versions are used again, and keep nothing of what they were', async () => {
  const table = objectTable(1 << 20)
  const keys = ['a', 'b', 'c', 'd']
  const first = keys.map(key => put(table, key, `${key}, first`))
  await commit(table)
  for (const key of keys.slice(0, 3)) put(table, key, `${key}, second`)
  await commit(table)
  const others = ['x', 'y', 'z', 'more'].map(key => put(table, key, key))
  expect(new Set(others.slice(0, 3))).toEqual(new Set(first.slice(0, 3)))
  expect(first).not.toContain(others[3])
  const names = [...keys, 'x', 'y', 'z', 'more'].map(key => nameIn(table, key))
  expect(names).toEqual(['a, second', 'b, second', 'c, second', 'd, first', 'x', 'y', 'z', 'more'])
  // What was deleted has a row as well.
  for (const key of keys) table.write(table.entryOf(key), undefined, null, 8, NO_HEADERS)
  await commit(table)
  put(table, 'a', 'again')
  await commit(table)
  expect(keys.map(key => table.read(table.entryOf(key))?.deleted)).toEqual([false, undefined, undefined, undefined])
})
