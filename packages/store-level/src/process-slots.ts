import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isLocked } from './level-error.ts'
import { destroyLevel, type NodeLevel, openLevel } from './node-level.ts'

const ID_FILE = 'directory-id'

/**
 * Numbered slots of which each live process on a directory holds one.
 *
 * The lock of a slot is that of a tiny LevelDB: an OS lock on its LOCK file, which ends with the process however it
 * ends, kill -9 included. A file that names a pid would not do: the pid may belong to another process by now, or to one in
 * another container, and between finding it stale and replacing it two processes can both believe they did.
 */
export class ProcessSlots {
  private readonly directory: string
  private held: NodeLevel | undefined = undefined
  private claim: Promise<string> | undefined = undefined

  constructor(directory: string) {
    this.directory = directory
  }

  /** `<directory id>-<slot>`: the lowest free slot, so that a process that restarts mostly gets its old name. */
  claimName(): Promise<string> {
    this.claim ??= this.claimLowest().catch(error => {
      // So that it can be tried again.
      this.claim = undefined
      throw error
    })
    return this.claim
  }

  async release(): Promise<void> {
    await this.held?.close()
    this.held = undefined
    this.claim = undefined
  }

  private async claimLowest(): Promise<string> {
    await mkdir(this.directory, { recursive: true })
    const id = await this.directoryId()
    for (let slot = 0; ; slot++) {
      const db = await openSlot(join(this.directory, String(slot)))
      if (db === undefined) continue
      this.held = db
      return `${id}-${slot}`
    }
  }

  /** Made by whoever comes first; a hard link appears whole or fails, so that all agree on one. */
  private async directoryId(): Promise<string> {
    const path = join(this.directory, ID_FILE)
    const known = await readIfThere(path)
    if (known !== undefined) return known
    const id = randomBytes(5).toString('hex')
    const draft = `${path}.${id}`
    await writeFile(draft, id)
    try {
      await link(draft, path)
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    } finally {
      await unlink(draft)
    }
    return readFile(path, 'utf8')
  }
}

/** Undefined when a live process holds the slot. A damaged one holds nothing worth keeping. */
async function openSlot(location: string): Promise<NodeLevel | undefined> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await openLevel(location, { cacheSize: 0, writeBufferSize: 64 * 1024 })
    } catch (error) {
      if (isLocked(error)) return undefined
      if (attempt > 0) throw error
      await destroyLevel(location)
    }
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
