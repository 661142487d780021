// The long run is `npm run cluster -- --minutes 10`.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { KafkaCluster } from '../../scripts/kafka-broker/cluster.ts'
import { type ClusterRunOptions, type Disturbance, runOnCluster, SESSION_TIMEOUT_MS } from './run-cluster.ts'

let cluster: KafkaCluster
beforeAll(async () => {
  cluster = await KafkaCluster.start()
}, 240_000)
afterAll(() => cluster?.stop())

async function run(guarantee: ClusterRunOptions['guarantee'], seed: number, disturbances: readonly Disturbance[]) {
  const lines: string[] = []
  const log = (line: string): void => void lines.push(line)
  const report = await runOnCluster({ cluster, guarantee, seed, workers: 2, disturbances, log })
  expect(report.violations, lines.join('\n')).toEqual([])
  expect(report.disturbances).toBe(disturbances.length)
  const { longestGapMs, longestGapFrom, inputs } = report
  process.stdout.write(
    `${inputs} inputs, longest gap in the output ${longestGapMs} ms from ${longestGapFrom.toISOString()}\n`
  )
  // No storm of retries while a broker is away: what is not limited by the load is asked a few times a second.
  for (const [kind, count] of Object.entries(report.busiestSecond)) {
    expect(count, `${kind} in a worker's busiest second`).toBeLessThan(
      kind === 'Fetch' || kind === 'Produce' ? 250 : 50
    )
  }
  return { ...report, lines }
}

/** Brokers that have to wait for a processor stop the output as well, and no client can help it. */
const SLOW_START_MS = 12_000

function expectNoLongStop({ longestGapMs, slowestStartMs, lines }: Awaited<ReturnType<typeof run>>): void {
  if (slowestStartMs < SLOW_START_MS) expect(longestGapMs, lines.join('\n')).toBeLessThan(SESSION_TIMEOUT_MS)
  else process.stdout.write(`The machine is too busy to judge the gap: a broker took ${slowestStartMs} ms to start.\n`)
}

test('briefly: exactly once, while a coordinator restarts, another is killed, a leader freezes and leaders move', async () => {
  const report = await run('exactly_once', 1, [
    'restart the transaction coordinator',
    'kill the group coordinator',
    'freeze a leader',
    'move the leaders'
  ])
  expectNoLongStop(report)
}, 600_000)

test('exactly once, while the other coordinators are killed and freeze and a leader restarts', async () => {
  const report = await run('exactly_once', 2, [
    'kill the transaction coordinator',
    'freeze the transaction coordinator',
    'restart a leader',
    'freeze the group coordinator'
  ])
  expectNoLongStop(report)
}, 600_000)

test('exactly once, while quotas hold the workers back', async () => {
  const { throttled } = await run('exactly_once', 3, ['throttle the workers'])
  expect(throttled).toBeGreaterThan(0)
}, 600_000)

test('at least once, while a leader is killed and the group coordinator restarts', async () => {
  const report = await run('at_least_once', 4, ['kill a leader', 'restart the group coordinator'])
  expectNoLongStop(report)
}, 600_000)
