import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tableBytesIn } from './table-bytes.ts'

test('adds up table files, and nothing else', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-tables-'))
  for (const [name, bytes] of [
    ['000005.ldb', 1000],
    ['000007.ldb', 234],
    ['000008.log', 50],
    ['CURRENT', 16]
  ] as const) {
    await writeFile(join(directory, name), Buffer.alloc(bytes))
  }
  expect(await tableBytesIn(directory)).toBe(1234)
  await mkdir(join(directory, 'empty'))
  expect(await tableBytesIn(join(directory, 'empty'))).toBe(0)
  expect(await tableBytesIn(join(directory, 'missing'))).toBe(0)
  await rm(directory, { recursive: true })
})
