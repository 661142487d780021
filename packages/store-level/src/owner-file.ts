import { readFile, writeFile } from 'node:fs/promises'

/** Who has a database open. Only for messages: the lock itself is LevelDB's, and vanishes with the process. */
export interface Owner {
  readonly pid: number
  readonly startedMs: number
}

export function thisProcess(): Owner {
  return { pid: process.pid, startedMs: Math.round(performance.timeOrigin) }
}

/** Call it only while holding the lock. */
export async function writeOwner(path: string): Promise<void> {
  await writeFile(path, JSON.stringify(thisProcess()))
}

/** Undefined when the file is missing or half-written: its owner has just begun. */
export async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    const owner: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof owner !== 'object' || owner === null || !('pid' in owner) || !('startedMs' in owner)) return undefined
    return typeof owner.pid === 'number' && typeof owner.startedMs === 'number'
      ? { pid: owner.pid, startedMs: owner.startedMs }
      : undefined
  } catch {
    return undefined
  }
}
