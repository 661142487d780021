import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rawStoreContract } from '@millrace/testing/contracts'
import { afterAll, expect, test } from 'vitest'
import { LevelRawStore } from './level-raw-store.ts'
import { openLevel } from './node-level.ts'
import { WriteBuffers } from './write-buffers.ts'

const directories: string[] = []

afterAll(async () => {
  for (const directory of directories) await rm(directory, { recursive: true })
})

rawStoreContract({
  name: 'level',
  open: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'millrace-level-'))
    directories.push(directory)
    // A small write buffer, so that table files are read too.
    return LevelRawStore.open(join(directory, 'db'), { writeBufferBytes: 64 * 1024 })
  },
  skip: []
})

async function opened(): Promise<LevelRawStore> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-level-'))
  directories.push(directory)
  return LevelRawStore.open(join(directory, 'db'))
}

test('reads what was written compressed, as it was before', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-level-'))
  directories.push(directory)
  const rows = Array.from({ length: 2_000 }, (_, i) => [Buffer.from(`key ${i}`), Buffer.alloc(100, `${i} `)] as const)
  const small = { cacheSize: 2 ** 16, writeBufferSize: 2 ** 16 }
  const before = await openLevel(join(directory, 'db'), { ...small, compression: true })
  await before.batch(rows.map(([key, value]) => ({ type: 'put', key, value })))
  await before.compactRange(Buffer.from('a'), Buffer.from('z'))
  await before.close()
  const store = await LevelRawStore.open(join(directory, 'db'))
  for (const [key, value] of rows) expect(Buffer.compare(store.getSync(key) as Buffer, value)).toBe(0)
  await store.write([{ key: Buffer.from('key 7'), value: Buffer.from('new') }])
  expect(store.getSync(Buffer.from('key 7'))).toEqual(Buffer.from('new'))
  await store.close()
})

test('what was written does not stay in memory until the collector comes', async () => {
  const store = await opened()
  const MIB = 2 ** 20
  const value = Buffer.alloc(MIB / 16, 'x')
  // The same 4 MiB again and again, in few objects, so that V8 has no reason to collect.
  const writes = Array.from({ length: 64 }, (_, i) => ({ key: Buffer.from(`k${i}`), value }))
  for (let i = 0; i < 10; i++) await store.write(writes)
  const before = process.memoryUsage.rss()
  for (let i = 0; i < 60; i++) await store.write(writes)
  expect((process.memoryUsage.rss() - before) / MIB).toBeLessThan(80)
  await store.close()
})

test('a write that cannot be finished leaves nothing to the next, nor do two at once meet', async () => {
  const store = await opened()
  const row = (key: string) => ({ key: Buffer.from(key), value: Buffer.from(key) })
  function* failing() {
    yield row('lost')
    throw new Error('no more')
  }
  await expect(store.write(failing())).rejects.toThrow('no more')
  await Promise.all([store.write([row('a')]), store.write([row('b'), row('c')]), store.write([row('d')])])
  await store.write([row('e'), { key: Buffer.from('a'), value: null }])
  const keys: string[] = []
  for await (const { key } of store.iterate({})) keys.push(Buffer.from(key).toString())
  expect(keys).toEqual(['b', 'c', 'd', 'e'])
  await store.close()
})

test('flushes what it shares memory for, and in a restore only what LevelDB does not hold', async () => {
  const buffers = new WriteBuffers()
  const directory = await mkdtemp(join(tmpdir(), 'millrace-level-'))
  directories.push(directory)
  const stores = await Promise.all(
    [0, 1, 2, 3].map(each => LevelRawStore.open(join(directory, String(each)), {}, {}, buffers))
  )
  const tables = async () => (await readdir(join(directory, '0'))).filter(name => name.endsWith('.ldb')).length
  const [store] = stores as [LevelRawStore]
  const mebibyte = (start: number) =>
    Array.from({ length: 1024 }, (_, i) => ({ key: Buffer.from(`k${start + i}`), value: Buffer.alloc(1024, i) }))
  for (let i = 0; i < 4; i++) await store.write(mebibyte(i * 1024), { bulk: true })
  expect(await tables()).toBe(0)
  // The last of a restore.
  await store.write([])
  // Each waits for the flush before the last: the first at the latest when the fourth is asked for.
  for (let i = 0; i < 8; i++) await store.write(mebibyte(i * 1024))
  expect(await tables()).toBeGreaterThan(1)
  for (let i = 0; i < 8 * 1024; i += 77) expect(store.getSync(Buffer.from(`k${i}`))?.[0]).toBe(i % 256)
  await Promise.all(stores.map(each => each.close()))
})

test('closes while a flush is under way', async () => {
  const buffers = new WriteBuffers()
  const directory = await mkdtemp(join(tmpdir(), 'millrace-level-'))
  directories.push(directory)
  const open = (name: string) => LevelRawStore.open(join(directory, name), {}, {}, buffers)
  const [first, ...others] = await Promise.all(['0', '1', '2', '3'].map(open))
  await first?.write([{ key: Buffer.from('k'), value: Buffer.alloc(3 * 2 ** 20, 'x') }])
  await first?.close()
  expect((await readdir(join(directory, '0'))).filter(name => name.endsWith('.ldb'))).toHaveLength(1)
  const again = await open('0')
  expect(again.getSync(Buffer.from('k'))).toHaveLength(3 * 2 ** 20)
  for (const store of [again, ...others]) await store.close()
})
