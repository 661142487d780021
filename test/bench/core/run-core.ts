import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LevelStoreProvider } from '@millrace/store-level'
import type { RawStore } from '@millrace/streams/ports'
import { MemoryRawStore } from '@millrace/streams/state'
import type { CoreRecords } from './core-records.ts'
import { type CoreTopologyName, coreTopology } from './core-scenarios.ts'
import { CoreTask } from './core-task.ts'

export type CoreStore = 'level' | 'memory'

export interface CoreRun {
  readonly topology: CoreTopologyName
  readonly store: CoreStore
  /** Records processed before the clock starts, so that windows are full. */
  readonly fill: number
  /** Records between two commits. */
  readonly chunk: number
}

/** What one run took after the fill, and what came out of all of it. */
export interface CoreResult {
  readonly nanos: number
  /** Of all threads. */
  readonly cpuNanos: number
  /** After the fill. */
  readonly outputs: number
  /** Of keys, values and timestamps of all outputs, in order. */
  readonly checksum: number
}

export async function runCore(run: CoreRun, records: CoreRecords): Promise<CoreResult> {
  const { raw, dispose } = await openRawStore(run.store)
  const task = await CoreTask.open(coreTopology(run.topology), records, raw)
  let [nanos, cpuNanos, outputs, checksum] = [0, 0, 0, 0]
  for (let from = 0; from < records.count; ) {
    const isFilling = from < run.fill
    const to = Math.min(isFilling ? run.fill : records.count, from + run.chunk)
    const outputsBefore = task.output.count
    const cpuBefore = process.cpuUsage()
    const before = process.hrtime.bigint()
    task.processTo(to)
    await task.commit()
    if (!isFilling) {
      nanos += Number(process.hrtime.bigint() - before)
      const cpu = process.cpuUsage(cpuBefore)
      cpuNanos += 1000 * (cpu.user + cpu.system)
      outputs += task.output.count - outputsBefore
    }
    checksum = task.output.checksum(checksum)
    task.clearLogs()
    from = to
  }
  await task.close()
  await dispose()
  return { nanos, cpuNanos, outputs, checksum }
}

export interface OpenedStore {
  readonly raw: RawStore
  /** Of a store on disk. */
  readonly stateDir: string | undefined
  /** As after a restart; the store was closed before. */
  reopen(): Promise<RawStore>
  dispose(): Promise<void>
}

export async function openRawStore(store: CoreStore): Promise<OpenedStore> {
  if (store === 'memory') {
    const raw = new MemoryRawStore()
    return { raw, stateDir: undefined, reopen: async () => raw, dispose: async () => {} }
  }
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-core-bench-'))
  const provider = new LevelStoreProvider({ stateDir, applicationId: 'core-bench' })
  const open = async () => (await provider.open('0_0')).store
  const dispose = async () => {
    await provider.close()
    await rm(stateDir, { recursive: true })
  }
  return { raw: await open(), stateDir, reopen: open, dispose }
}
