import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StreamsError } from '@millrace/streams/core'

const NAME = 'owner.pid'
/** Directories of brokers in this process. */
const OWNED = new Set<string>()

/** Keeps a second broker out of a data directory. A file left by a process that is gone is nobody's. */
export class DirectoryOwner {
  readonly #path: string

  private constructor(path: string) {
    this.#path = path
  }

  /** @throws StreamsError `BROKER_DATA_LOCKED` */
  static take(dir: string): DirectoryOwner {
    const path = join(dir, NAME)
    const pid = livingOwner(path)
    if (pid !== undefined) {
      throw new StreamsError(
        'BROKER_DATA_LOCKED',
        `The data directory '${dir}' is in use by the broker of process ${pid}. Stop that one, or take another directory; ` +
          `if it is no broker, delete '${path}'.`,
        { details: { dir, pid } }
      )
    }
    writeFileSync(path, String(process.pid))
    OWNED.add(path)
    return new DirectoryOwner(path)
  }

  release(): void {
    OWNED.delete(this.#path)
    rmSync(this.#path, { force: true })
  }
}

function livingOwner(path: string): number | undefined {
  if (OWNED.has(path)) return process.pid
  let pid: number
  try {
    pid = Number(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
  // A process of the same number as this one, and not this one, was before a restart of the machine or container.
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return undefined
  try {
    process.kill(pid, 0)
    return pid
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? pid : undefined
  }
}
