import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rawStoreContract } from '@millrace/testing/contracts'
import { afterAll, expect, test } from 'vitest'
import { LevelRawStore } from './level-raw-store.ts'
import { openLevel } from './node-level.ts'

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
