import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rawStoreContract } from '@millrace/testing/contracts'
import { afterAll } from 'vitest'
import { LevelRawStore } from './level-raw-store.ts'

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
