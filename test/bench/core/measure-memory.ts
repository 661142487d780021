import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { aligned } from './core-table.ts'
import { MEMORY_CASES } from './memory-cases.ts'
import type { CoreStore } from './run-core.ts'

export interface MemoryRow {
  readonly name: string
  readonly unit: string
  readonly store: CoreStore
  /** Of one unit, after a garbage collection: V8's heap and what it holds outside. */
  readonly heapBytes: number
  /** By which the process grew, a garbage collector's spare room and LevelDB's buffers included. */
  readonly rssBytes: number
  /** Of the database, as LevelDB wrote it. */
  readonly diskBytes: number
}

/** Each case in a process of its own, with so many windows or records. */
export function measureMemory(count: number): MemoryRow[] {
  const worker = fileURLToPath(new URL('./memory-worker.ts', import.meta.url))
  return MEMORY_CASES.flatMap(({ name, unit }, index) =>
    (['level', 'memory'] as const).map(store => {
      const args = ['--expose-gc', '--conditions=millrace-source', worker, String(index), store, String(count)]
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
      if (status !== 0) throw new Error(`'${name}' could not be measured:\n${stderr}`)
      return { name, unit, store, ...(JSON.parse(stdout) as Pick<MemoryRow, 'heapBytes' | 'rssBytes' | 'diskBytes'>) }
    })
  )
}

export function memoryTable(rows: readonly MemoryRow[]): string {
  return aligned([
    ['bytes', 'of one', 'store', 'heap', 'RSS', 'disk'],
    ...rows.map(({ name, unit, store, heapBytes, rssBytes, diskBytes }) => [
      ...[name, unit, store === 'level' ? 'LevelDB' : 'memory'],
      ...[heapBytes, rssBytes, diskBytes].map(bytes => String(Math.round(bytes)))
    ])
  ])
}
