import { expect, test } from 'vitest'
import { benchTable } from './bench-table.ts'
import type { BenchRun, WorkloadRun } from './results.ts'

const run = (
  system: WorkloadRun['system'],
  recordsPerSecond: number,
  more: Partial<WorkloadRun> = {}
): WorkloadRun => ({
  ...{ piece: 'workload', workload: 'W2', system, records: 1e6, repetition: 1, recordsPerSecond, cpuSeconds: 2 },
  ...{ peakRssBytes: 200e6, startSeconds: 0.5, ...more }
})
const lines = (...runs: BenchRun[]): string[] => benchTable({ machine: { cores: 2 }, runs }).split('\n')
const lineWith = (text: string, ...runs: BenchRun[]): string | undefined =>
  lines(...runs).find(line => line.includes(text))

test('medians stand beside their ratio, and that beside bar and aim', () => {
  const runs = [run('ours', 100), run('ours', 300), run('ours', 200), run('java1', 80), run('java1', 80)]
  expect(lineWith('records/s', ...runs)).toMatch(/W2 +records\/s +200 +80 +2\.50 +≥ 2 ✓ +≥ 4 ✗/)
  expect(lineWith('RSS', ...runs)).toMatch(/200 +200 +≤ 250 ✓ +≤ 150 ✗/)
  expect(lineWith('CPU', ...runs)).toMatch(/1\.00 +≤ 0.4 ✗ +≤ 0.2 ✗/)
  expect(lines(...runs)).toContain('2 of 4 bars are met.')
})

test('systems without a cache are compared with each other', () => {
  const runs = [run('ours', 200), run('java1', 100), run('ours-nc', 30), run('java1nc', 10)]
  expect(lineWith('W2, no cache', ...runs)).toMatch(/30 +10 +3\.00/)
})

test('a run whose output was wrong is told of, and gives no figure', () => {
  const wrong: WorkloadRun = {
    ...{ piece: 'workload', workload: 'W2', system: 'ours', records: 1e6, repetition: 1, failure: '3 keys are wrong' }
  }
  expect(lineWith('records/s', wrong, run('java1', 80))).toMatch(/records\/s +80 +≥ 2 +≥ 4/)
  expect(lineWith('FAILED', wrong)).toMatch(/W2 ours .*3 keys are wrong/)
})

test('growing state is compared with the smallest store', () => {
  const grown = (keys: number, cpuMicros: number): BenchRun => ({
    ...{
      piece: 'growth',
      keys,
      drawn: 'uniform',
      records: 10,
      cpuMicros,
      wallMicros: 1,
      peakRssBytes: 1,
      stateBytes: 1
    }
  })
  expect(lineWith('10,000,000', grown(1e7, 9), grown(1e5, 3))).toMatch(/9\.00 +3\.00 +≤ 4 ✓ +≤ 1\.2 ✗/)
})
