import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { MockClock } from '@millrace/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { batchOf, LogRig } from '../log/test-support/log-rig.ts'
import { DiskJournal } from './disk-journal.ts'
import { DiskStorage } from './disk-storage.ts'
import { FileHandles } from './file-handles.ts'
import { StorageError } from './log-storage.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-storage-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

function openStorage(fsync: 'never' | 'always' = 'never'): DiskStorage {
  return new DiskStorage({ dir, fsync, clock: new MockClock(0), logger: SILENT_LOGGER })
}

function entriesOf(path: string): unknown[] {
  const journal = new DiskJournal(path, false)
  const entries = [...journal.replay()]
  journal.close()
  return entries
}

test.each([false, true])('a journal gives back what was appended, also after it was rewritten (sync %s)', sync => {
  const path = join(dir, 'journal')
  const journal = new DiskJournal(path, sync)
  journal.append({ n: 1, text: 'é\n' })
  journal.append({ n: 2 })
  expect(entriesOf(path)).toEqual([{ n: 1, text: 'é\n' }, { n: 2 }])
  journal.rewrite([{ n: 'both' }])
  journal.append({ n: 3 })
  journal.close()
  expect(entriesOf(path)).toEqual([{ n: 'both' }, { n: 3 }])
})

test('a journal that was torn anywhere keeps its whole entries, and goes on behind them', () => {
  const path = join(dir, 'journal')
  const journal = new DiskJournal(path, false)
  journal.append({ n: 1 })
  const wholeBytes = readFileSync(path).length
  journal.append({ n: 2, text: 'torn' })
  journal.close()
  const bytes = readFileSync(path)
  for (let end = wholeBytes; end < bytes.length; end++) {
    writeFileSync(path, bytes.subarray(0, end))
    const again = new DiskJournal(path, false)
    again.append({ n: 3 })
    again.close()
    expect(entriesOf(path)).toEqual([{ n: 1 }, { n: 3 }])
  }
  const damaged = Buffer.from(bytes)
  damaged[wholeBytes + 12]! ^= 1
  writeFileSync(path, damaged)
  expect(entriesOf(path)).toEqual([{ n: 1 }])
})

test('a journal asks to be rewritten once it has grown, and not again at once', () => {
  const journal = new DiskJournal(join(dir, 'journal'), false)
  const entry = { text: 'x'.repeat(100_000) }
  let appended = 0
  while (!journal.isLarge) {
    journal.append(entry)
    appended++
  }
  expect(appended).toBe(11)
  journal.rewrite([entry, entry, entry, entry])
  expect(journal.isLarge).toBe(false)
  for (let i = 0; i < 12; i++) journal.append(entry)
  expect(journal.isLarge).toBe(false)
  journal.append(entry)
  expect(journal.isLarge).toBe(true)
  journal.close()
})

test('a journal that cannot be rewritten stays as it is, and is not asked for it again at once', () => {
  const path = join(dir, 'journal')
  const journal = new DiskJournal(path, false)
  const entry = { text: 'x'.repeat(100_000) }
  let appended = 0
  for (; !journal.isLarge; appended++) journal.append(entry)
  // Where the new one would be written.
  mkdirSync(`${path}.rewriting/in-the-way`, { recursive: true })
  expect(() => journal.rewrite([])).toThrow(StorageError)
  expect(journal.isLarge).toBe(false)
  journal.append({ n: 1 })
  expect(entriesOf(path)).toHaveLength(appended + 1)
  expect(readdirSync(dir)).toEqual(['journal'])
  journal.rewrite([{ n: 2 }])
  journal.append({ n: 3 }, { n: 4 })
  journal.close()
  expect(entriesOf(path)).toEqual([{ n: 2 }, { n: 3 }, { n: 4 }])
})

test('a log whose folder cannot be made is an error of the storage', () => {
  const storage = openStorage()
  rmSync(join(dir, 'logs'), { recursive: true })
  writeFileSync(join(dir, 'logs'), 'not a folder')
  expect(() => storage.openLog('id', 0)).toThrow(StorageError)
  storage.close()
})

test('a compaction for which there is no room leaves nothing behind, and all as it was', () => {
  using rig = new LogRig('disk', { 'cleanup.policy': 'compact', 'segment.bytes': '150' })
  for (let i = 0; i < 8; i++) rig.append([{ key: `k${i % 2}`, value: `v${i}` }])
  const logDir = join(rig.dir, 'logs', 'id.0')
  const files = readdirSync(logDir).sort()
  const unfinished = `${files[0]?.slice(0, -4)}-${files[1]?.slice(0, -4)}.swap.unfinished`
  // Where the compacted segment would be written.
  mkdirSync(join(logDir, unfinished, 'in-the-way'), { recursive: true })
  expect(() => rig.log.compact()).toThrow(StorageError)
  expect(readdirSync(logDir).sort()).toEqual(files)
  expect(rig.values()).toHaveLength(8)
  rig.log.compact()
  expect(rig.values()).toHaveLength(2 + 2)
})

test('a directory has one owner, until that one closes or its process is gone', () => {
  const storage = openStorage()
  expect(openStorage).toThrow(
    expect.objectContaining({ code: 'BROKER_DATA_LOCKED', details: { dir, pid: process.pid } })
  )
  storage.close()
  writeFileSync(join(dir, 'owner.pid'), String(process.ppid))
  expect(openStorage).toThrow(expect.objectContaining({ details: { dir, pid: process.ppid } }))
  // Above the highest number that Linux gives to a process.
  writeFileSync(join(dir, 'owner.pid'), String(2 ** 22 + 1))
  openStorage().close()
  writeFileSync(join(dir, 'owner.pid'), 'torn')
  openStorage().close()
})

test('a deleted log is gone from the disk', () => {
  const storage = openStorage('always')
  storage
    .openLog('id', 0)
    .roll(0, 0)
    .append(batchOf([{}], 0))
  expect(readdirSync(join(dir, 'logs'))).toEqual(['id.0'])
  storage.deleteLog('id', 0)
  expect(readdirSync(join(dir, 'logs'))).toEqual([])
  storage.close()
})

test('a compaction that was cut short is undone before its swap file has its name, and finished from then on', () => {
  using rig = new LogRig('disk', { 'cleanup.policy': 'compact', 'segment.bytes': '150' })
  for (let i = 0; i < 8; i++) rig.append([{ key: `k${i % 2}`, value: `v${i}` }])
  const logDir = join(rig.dir, 'logs', 'id.0')
  const before = readdirSync(logDir).sort()
  const kept = join(dir, 'kept')
  for (const name of before) copyFileSync(join(logDir, name), `${kept}-${name}`)
  // Room for all that is compacted in one segment.
  rig.configure({ 'cleanup.policy': 'compact' })
  rig.log.compact()
  const compacted = rig.values()
  expect(compacted).toEqual(['4:v4', '5:v5', '6:v6', '7:v7'])
  const [first, , , last] = before as [string, string, string, string]
  const result = readFileSync(join(logDir, first))

  const crash = (name: string): void => {
    rig.log.close()
    for (const old of readdirSync(logDir)) rmSync(join(logDir, old))
    for (const old of before) copyFileSync(`${kept}-${old}`, join(logDir, old))
    writeFileSync(join(logDir, name), result)
    rig.reopen()
  }
  const swapName = `${first.slice(0, -4)}-${last.slice(0, -4)}.swap`
  crash(`${swapName}.unfinished`)
  expect(rig.values()).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map(i => `${i}:v${i}`))
  crash(swapName)
  expect(rig.values()).toEqual(compacted)
  expect(readdirSync(logDir).sort()).toEqual([first, last])
})

test('thousands of files need few descriptors', () => {
  const files = new FileHandles()
  const opened = new Set<number>()
  for (let i = 0; i < 1000; i++) opened.add(files.get(join(dir, `file-${i}`)))
  expect(opened.size).toBeLessThan(300)
  expect(files.get(join(dir, 'file-999'))).toBe(files.get(join(dir, 'file-999')))
  files.closeAll()
})
