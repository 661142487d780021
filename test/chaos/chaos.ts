/**
 * Kills workers while records flow, and then checks what is left, property by property:
 *
 * 1. No record lost, none doubled: each input has a committed output, and for each key these are exactly 1, 2, … n
 *    (exactly-once), or reach n or more (at-least-once).
 * 2. Every interval between two kills committed outputs of at least two workers.
 * 3. Every kill hit something that was not committed: with transactions the killed process has outputs in the log that
 *    never were.
 * 4. Stores equal their changelogs, on the disks that survived and on a new one.
 * 5. A restarted worker restored only the tail of its changelogs.
 *
 * `npm run chaos -- --minutes 3 --seed 1 --guarantee exactly_once`
 */
import { parseArgs } from 'node:util'
import { runChaos } from './run-chaos.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    guarantee: { type: 'string', default: 'exactly_once' },
    workers: { type: 'string', default: '3' },
    'kill-every-seconds': { type: 'string', default: '15' }
  }
})
const brokers = process.env['KAFKA_BROKERS']
if (brokers === undefined) throw new Error('KAFKA_BROKERS is missing; npm run chaos starts a broker where it is.')
if (values.guarantee !== 'exactly_once' && values.guarantee !== 'at_least_once') {
  throw new Error(`--guarantee is '${values.guarantee}'; it must be exactly_once or at_least_once.`)
}
const report = await runChaos({
  brokers,
  minutes: Number(values.minutes),
  minKills: 1,
  seed: Number(values.seed),
  guarantee: values.guarantee,
  workers: Number(values.workers),
  killEveryMs: Number(values['kill-every-seconds']) * 1000,
  log: line => console.log(line)
})
for (const violation of report.violations) console.log(`VIOLATED ${violation}`)
console.log(
  `${report.kills} kills, ${report.inputs} inputs, ${report.outputs} committed outputs, ${report.aborted} aborted, ` +
    `largest tail restored after a kill ${report.largestTail} of ${report.changelogRecords} changelog records`
)
process.exitCode = report.violations.length === 0 ? 0 : 1
