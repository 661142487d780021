// The long run is `npm run cluster -- --minutes 10`.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { KafkaCluster } from '../../scripts/kafka-broker/cluster.ts'
import { type ClusterRunOptions, type Disturbance, runOnCluster, SESSION_TIMEOUT_MS } from './run-cluster.ts'

let cluster: KafkaCluster
beforeAll(async () => {
  cluster = await KafkaCluster.start()
}, 120_000)
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

const withoutLongStop = (longestGapMs: number, lines: readonly string[]): void =>
  expect(longestGapMs, lines.join('\n')).toBeLessThan(SESSION_TIMEOUT_MS)

test('briefly: exactly once, while a coordinator restarts, another is killed, a leader freezes and leaders move', async () => {
  const { longestGapMs, lines } = await run('exactly_once', 1, [
    'restart the transaction coordinator',
    'kill the group coordinator',
    'freeze a leader',
    'move the leaders'
  ])
  withoutLongStop(longestGapMs, lines)
}, 300_000)

test('exactly once, while the other coordinators are killed and freeze and a leader restarts', async () => {
  const { longestGapMs, lines } = await run('exactly_once', 2, [
    'kill the transaction coordinator',
    'freeze the transaction coordinator',
    'restart a leader',
    'freeze the group coordinator'
  ])
  withoutLongStop(longestGapMs, lines)
}, 300_000)

test('exactly once, while quotas hold the workers back', async () => {
  const { throttled } = await run('exactly_once', 3, ['throttle the workers'])
  expect(throttled).toBeGreaterThan(0)
}, 200_000)

test('at least once, while a leader is killed and the group coordinator restarts', async () => {
  const { longestGapMs, lines } = await run('at_least_once', 4, ['kill a leader', 'restart the group coordinator'])
  withoutLongStop(longestGapMs, lines)
}, 200_000)
