import { expect, test } from 'vitest'
import { runChaos } from './run-chaos.ts'

// The long run is `npm run chaos -- --minutes 3`.
test.each(['exactly_once', 'at_least_once'] as const)(
  'loses and doubles nothing while workers are killed (%s)',
  async guarantee => {
    const brokers = process.env['KAFKA_BROKERS']
    if (brokers === undefined)
      throw new Error('KAFKA_BROKERS is missing: run this with npm run test:broker or test:kafka.')
    const lines: string[] = []
    const report = await runChaos({
      brokers,
      guarantee,
      // By number, not by time: on a machine that stalls a worker may take long to be back.
      minutes: 0,
      minKills: 2,
      killEveryMs: 10_000,
      seed: 7,
      workers: 3,
      log: line => lines.push(line)
    })
    expect(report.violations, [...lines, ...report.violations].join('\n')).toHaveLength(0)
    expect(report.outputs).toBeGreaterThanOrEqual(report.inputs)
  },
  180_000
)
