import { closeSync, constants, openSync } from 'node:fs'
import { StorageError } from './log-storage.ts'

const MAX_OPEN_FILES = 256

/** Open files by path. The ones unused for longest are closed, so that thousands of partitions need few. */
export class FileHandles {
  readonly #open = new Map<string, number>()

  /** A descriptor to read and write with, valid until the next call. The file is made if it is not there. */
  get(path: string): number {
    let fd = this.#open.get(path)
    if (fd !== undefined) this.#open.delete(path)
    else fd = opened(path)
    this.#open.set(path, fd)
    if (this.#open.size > MAX_OPEN_FILES) {
      const [oldest] = this.#open.keys()
      this.release(oldest as string)
    }
    return fd
  }

  /** Before a file is deleted or replaced. */
  release(path: string): void {
    const fd = this.#open.get(path)
    if (fd === undefined) return
    this.#open.delete(path)
    closeSync(fd)
  }

  closeAll(): void {
    for (const path of [...this.#open.keys()]) this.release(path)
  }
}

function opened(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT)
  } catch (error) {
    throw new StorageError(`The embedded broker cannot open '${path}': ${String(error)}`, { cause: error })
  }
}
