/**
 * Disturbs the brokers of a three-node Kafka, one after the other, while workers count exactly once (or at least once); then
 * compares, record by record, what was committed with what was sent.
 *
 * `npm run cluster -- --minutes 10 --seed 3 --guarantee exactly_once`
 */
import { parseArgs } from 'node:util'
import { KafkaCluster } from '../../scripts/kafka-broker/cluster.ts'
import { seededRandom } from '../chaos/random.ts'
import { DISTURBANCES, type Disturbance, runOnCluster } from './run-cluster.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    guarantee: { type: 'string', default: 'exactly_once' },
    workers: { type: 'string', default: '2' },
    only: { type: 'string', multiple: true }
  }
})
if (values.guarantee !== 'exactly_once' && values.guarantee !== 'at_least_once') {
  throw new Error(`--guarantee is '${values.guarantee}'; it must be exactly_once or at_least_once.`)
}
const seed = Number(values.seed)

/** In an order that the seed decides, each as often as the others, until the time is over. */
function* untilOver(minutes: number): Iterable<Disturbance> {
  const random = seededRandom(seed)
  const endMs = performance.now() + minutes * 60_000
  for (let rest: Disturbance[] = []; performance.now() < endMs; ) {
    if (rest.length === 0) rest = [...((values.only as Disturbance[] | undefined) ?? DISTURBANCES)]
    yield rest.splice(Math.floor(random() * rest.length), 1)[0] as Disturbance
  }
}

const cluster = await KafkaCluster.start()
try {
  const report = await runOnCluster({
    cluster,
    guarantee: values.guarantee,
    seed,
    workers: Number(values.workers),
    disturbances: untilOver(Number(values.minutes)),
    log: line => console.log(line)
  })
  for (const violation of report.violations) console.log(`VIOLATED ${violation}`)
  console.log(
    `${report.disturbances} disturbances, ${report.inputs} inputs, ${report.outputs} committed outputs, longest gap in them ` +
      `${report.longestGapMs} ms from ${report.longestGapFrom.toISOString()}`
  )
  console.log(`Most requests of one worker in a second: ${JSON.stringify(report.busiestSecond)}`)
  process.exitCode = report.violations.length === 0 ? 0 : 1
} finally {
  await cluster.stop()
}
