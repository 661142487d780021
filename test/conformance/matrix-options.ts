import type { Disk, RunMatrix, StoreKind } from './case-runs.ts'

/** For `parseArgs`: how cases are run, on the command line. */
export const MATRIX_OPTIONS = {
  stores: { type: 'string' },
  'restart-at': { type: 'string' },
  disk: { type: 'string' },
  seed: { type: 'string' }
} as const

export const MATRIX_USAGE = `  --stores level|memory|both   where stores lie; default level
  --restart-at random|K        end each case after some step, or after step K, and go on in new processors
  --disk kept|lost|both        whether the disk outlives the restart; lost: stores are restored from changelogs alone; default both
  --seed N                     of what is random: commits and restarts; default 1
`

export type MatrixValues = { readonly [name in keyof typeof MATRIX_OPTIONS]?: string | undefined }

/** @throws Error that tells what an option may be. */
export function matrixOf(values: MatrixValues): RunMatrix {
  const { stores = 'level', disk = 'both', seed = '1' } = values
  const restartAt = values['restart-at']
  if (values.disk !== undefined && restartAt === undefined) throw new Error('--disk needs --restart-at.')
  return {
    stores: choice<StoreKind>('stores', stores, ['level', 'memory']),
    restartAt: restartAt === undefined || restartAt === 'random' ? restartAt : count('restart-at', restartAt),
    disks: choice<Disk>('disk', disk, ['kept', 'lost']),
    seed: count('seed', seed)
  }
}

function choice<T extends string>(name: string, value: string, all: readonly T[]): readonly T[] {
  const chosen = value === 'both' ? all : all.filter(candidate => candidate === value)
  if (chosen.length === 0) throw new Error(`--${name} is '${value}'; it may be ${all.join(', ')} or both.`)
  return chosen
}

function count(name: string, value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new Error(`--${name} is '${value}'; give a whole number, not below 0.`)
  return Number(value)
}
