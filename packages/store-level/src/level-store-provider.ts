import { writeFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isStreamsError, StreamsError } from '@millrace/streams/core'
import type { RawStore, RawStoreProvider } from '@millrace/streams/ports'
import { isLocked, levelError } from './level-error.ts'
import { type LevelOptions, LevelRawStore } from './level-raw-store.ts'
import { destroyLevel } from './node-level.ts'
import { readOwner, thisProcess, writeOwner } from './owner-file.ts'
import { ProcessSlots } from './process-slots.ts'
import { WriteBuffers } from './write-buffers.ts'

const SUBSTITUTE_MARK = '~'
const DAMAGE_FILE = 'damaged'
const FORMAT = { store: 'level', version: 1 }

export interface LevelStoreProviderOptions extends LevelOptions {
  /** Shared by all processes and applications of a machine. Created when missing. */
  readonly stateDir: string
  readonly applicationId: string
}

/**
 * State in LevelDB, one database a task, under `<stateDir>/<applicationId>/`:
 *
 * ```
 * tasks/<taskId>~<process>/    the same, of a process that could not wait for the lock; deleted when the task is opened again
 * tasks/<taskId>/db/           the database; its LOCK is the lock of the task
 * tasks/<taskId>/format.json   what wrote it
 * tasks/<taskId>/damaged       why the database must not be used again, once that was found while reading
 * tasks/<taskId>/owner.json    who has or had it open, for messages
 * processes/directory-id       names this directory
 * processes/<n>/               slot of a live process
 * ```
 */
export class LevelStoreProvider implements RawStoreProvider {
  private readonly tasksDir: string
  private readonly options: LevelStoreProviderOptions
  private readonly slots: ProcessSlots
  private readonly opened = new Set<LevelRawStore>()
  private readonly buffers: WriteBuffers

  /** @throws StreamsError `CONFIG_INVALID` for an application id that cannot name a directory. */
  constructor(options: LevelStoreProviderOptions) {
    if (!/^(?!\.{1,2}$)[A-Za-z0-9._-]+$/.test(options.applicationId)) {
      throw new StreamsError(
        'CONFIG_INVALID',
        `The application id '${options.applicationId}' cannot name a directory. Use letters, digits, '.', '_' and '-'.`,
        { details: { applicationId: options.applicationId } }
      )
    }
    this.options = options
    this.buffers = new WriteBuffers(options.writeBufferBytes)
    const home = join(options.stateDir, options.applicationId)
    this.tasksDir = join(home, 'tasks')
    this.slots = new ProcessSlots(join(home, 'processes'))
  }

  async open(taskId: string): Promise<{ readonly store: RawStore; readonly fresh: boolean }> {
    const taskDir = join(this.tasksDir, taskId)
    const store = await this.lock(taskId, taskDir)
    try {
      await this.checkDamage(taskDir)
      const fresh = await isEmpty(store)
      await this.checkFormat(taskId, taskDir, fresh)
      await writeOwner(join(taskDir, 'owner.json'))
      await this.removeSubstitutes(taskId)
      this.opened.add(store)
      return { store, fresh }
    } catch (error) {
      await store.close()
      throw isStreamsError(error) ? error : levelError(error, 'open', taskDir)
    }
  }

  async destroy(taskId: string): Promise<void> {
    const taskDir = join(this.tasksDir, taskId)
    const location = join(taskDir, 'db')
    try {
      // Takes the lock itself, and needs no sound files.
      await destroyLevel(location)
    } catch (error) {
      if (isLocked(error)) throw await this.lockedError(taskId, taskDir, error)
      throw levelError(error, 'write', taskDir)
    }
    await rm(join(taskDir, 'format.json'), { force: true })
    await rm(join(taskDir, DAMAGE_FILE), { force: true })
    await rm(join(taskDir, 'owner.json'), { force: true })
  }

  async list(): Promise<readonly string[]> {
    let names: string[]
    try {
      names = await readdir(this.tasksDir)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
      throw levelError(error, 'open', this.tasksDir)
    }
    const listed: string[] = []
    for (const name of names.sort()) {
      if ((await formatOf(join(this.tasksDir, name))) !== undefined) listed.push(name)
    }
    return listed
  }

  async claimProcessName(): Promise<string> {
    try {
      return await this.slots.claimName()
    } catch (error) {
      throw levelError(error, 'open', join(this.options.stateDir, this.options.applicationId, 'processes'))
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.opened].map(store => store.close()))
    await this.slots.release()
  }

  /** Whoever gets the lock of the task needs no folder that was begun without it. Those in use stay. */
  private async removeSubstitutes(taskId: string): Promise<void> {
    if (taskId.includes(SUBSTITUTE_MARK)) return
    const names = await readdir(this.tasksDir)
    for (const name of names.filter(candidate => candidate.startsWith(taskId + SUBSTITUTE_MARK))) {
      // Best effort: what is left takes space, and the next opening tries again.
      await this.destroy(name)
        .then(() => rmdir(join(this.tasksDir, name)))
        .catch(() => {})
    }
  }

  private async lock(taskId: string, taskDir: string): Promise<LevelRawStore> {
    try {
      await mkdir(taskDir, { recursive: true })
      const events = {
        onDamage: (error: StreamsError) => noteDamage(taskDir, error),
        onClosed: (store: LevelRawStore) => this.opened.delete(store)
      }
      return await LevelRawStore.open(join(taskDir, 'db'), this.options, events, this.buffers)
    } catch (error) {
      throw isLocked(error) ? await this.lockedError(taskId, taskDir, error) : levelError(error, 'open', taskDir)
    }
  }

  private async lockedError(taskId: string, taskDir: string, cause: unknown): Promise<StreamsError> {
    const owner = await readOwner(join(taskDir, 'owner.json'))
    const who =
      owner === undefined
        ? 'another process'
        : owner.pid === thisProcess().pid && owner.startedMs === thisProcess().startedMs
          ? `this process (pid ${owner.pid})`
          : `process ${owner.pid}, started ${new Date(owner.startedMs).toISOString()}`
    return new StreamsError(
      'STATE_DIRECTORY_LOCKED',
      `The state of task ${taskId} in '${taskDir}' is held by ${who}. It is free when that process has given up the ` +
        'task or ended.',
      { cause, details: { taskId, location: taskDir, pid: owner?.pid, startedMs: owner?.startedMs } }
    )
  }

  /** LevelDB opens a database with a damaged table as if nothing were wrong, and finds out when it reads it. */
  private async checkDamage(taskDir: string): Promise<void> {
    const found = await readFile(join(taskDir, DAMAGE_FILE), 'utf8').catch(() => undefined)
    if (found === undefined) return
    throw new StreamsError('STATE_CORRUPT', `The state in '${taskDir}' was found to be damaged earlier: ${found}`, {
      details: { location: taskDir, step: 'open' }
    })
  }

  /** A database without a format file is one whose creation was cut short, if it is empty. */
  private async checkFormat(taskId: string, taskDir: string, fresh: boolean): Promise<void> {
    const found = await formatOf(taskDir)
    const wanted = JSON.stringify(FORMAT)
    if (found === wanted) return
    if (found === undefined && fresh) return writeFile(join(taskDir, 'format.json'), wanted)
    throw new StreamsError(
      'STATE_FORMAT_UNKNOWN',
      `The state of task ${taskId} in '${taskDir}' has format ${found ?? 'unknown'}; this release reads ${wanted}. It will ` +
        'be rebuilt from the changelogs; or run the release that wrote it.',
      { details: { taskId, location: taskDir, found, supported: wanted } }
    )
  }
}

async function isEmpty(store: LevelRawStore): Promise<boolean> {
  for await (const _row of store.iterate({})) return false
  return true
}

async function formatOf(taskDir: string): Promise<string | undefined> {
  try {
    return await readFile(join(taskDir, 'format.json'), 'utf8')
  } catch {
    return undefined
  }
}

/** Synchronous, as reads on the record path are. If even this fails, the next read finds the damage again. */
function noteDamage(taskDir: string, error: StreamsError): void {
  try {
    writeFileSync(join(taskDir, DAMAGE_FILE), error.message)
  } catch {}
}
