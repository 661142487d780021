import type { RunMatrix } from './case-runs.ts'
import type { CaseFailure, CasesReport } from './run-cases.ts'

export function failureText({ id, run, differences }: CaseFailure): string {
  return `✗ ${id} (${run})\n${differences.map(text => `  ${text.replaceAll('\n', '\n  ')}\n`).join('')}`
}

/** A line for each area, how many were restarted, the totals. */
export function reportText(report: CasesReport, { restartAt }: RunMatrix): string {
  const { areas, passed, failed, runs, restarted } = report
  const width = Math.max(0, ...[...areas.keys()].map(name => name.length))
  const lines = [...areas]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, area]) => `${name.padEnd(width)}  ${area.passed} passed, ${area.failed} failed`)
  const total = passed + failed
  if (restartAt !== undefined) {
    const percent = total === 0 ? 0 : (100 * restarted) / total
    lines.push(`${restarted} of ${total} cases restarted (${percent.toFixed(1)} %), ${runs} runs`)
  }
  lines.push(`${passed} passed, ${failed} failed`)
  return `${lines.join('\n')}\n`
}
