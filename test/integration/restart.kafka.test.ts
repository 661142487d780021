// Restarting, joining and leaving: what is restored, and that tasks take their state along.
import { json, Millrace, type MillraceOptions, StreamsBuilder, string } from 'millrace'
import { describe, expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'
import type { WorkerOptions, WorkerOutput } from './worker-options.ts'
import { WorkerProcess } from './worker-process.ts'

const poll = { timeout: 45_000, interval: 100 }
const KEYS = 100
const round = Array.from({ length: KEYS }, (_, i) => ({ key: `k${i}`, value: 'x' }))

async function opened(partitionCount: number): Promise<TestCluster> {
  const cluster = await TestCluster.open()
  await cluster.createTopics(partitionCount, 'in', 'out')
  return cluster
}

function workerOptions(cluster: TestCluster, app: Partial<MillraceOptions> = {}): WorkerOptions {
  const { logger: _, handleSignals: __, ...options } = cluster.options
  return {
    input: cluster.name('in'),
    output: cluster.name('out'),
    app: { ...options, heartbeatIntervalMs: 500, processingGuarantee: 'exactly_once', cacheBytes: 0, ...app }
  }
}

async function countsByKey(cluster: TestCluster): Promise<Map<string, number[]>> {
  const counts = new Map<string, number[]>()
  for (const { key, value } of await cluster.read('out')) {
    const { count } = JSON.parse(value) as WorkerOutput
    counts.set(key, [...(counts.get(key) ?? []), count])
  }
  return counts
}

/** Every key has every count up to `last` exactly once, in order. */
async function untilCounted(cluster: TestCluster, last: number): Promise<void> {
  await expect.poll(async () => (await cluster.read('out')).length, poll).toBeGreaterThanOrEqual(last * KEYS)
  const all = Array.from({ length: last }, (_, i) => i + 1)
  expect(await countsByKey(cluster)).toEqual(new Map(round.map(({ key }) => [key, all])))
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0)

test('after kill -9 only the tail of the changelogs is restored', async () => {
  await using cluster = await opened(2)
  await using first = await WorkerProcess.start(workerOptions(cluster, { commitIntervalMs: 1_000 }))
  const rounds = 20
  for (let i = 0; i < rounds; i++) await cluster.produce('in', round)
  await untilCounted(cluster, rounds)
  await cluster.produce('in', round)
  // Killed with what it has written of the last round in an open transaction, or committed and not yet on disk.
  await expect.poll(async () => (await first.metrics()).processedRecords, poll).toBe((rounds + 1) * KEYS)
  await first.kill()

  await using second = await WorkerProcess.start(workerOptions(cluster))
  await cluster.produce('in', round)
  await untilCounted(cluster, rounds + 2)
  const restored = second.restored
  expect(restored.map(({ from }) => from).every(from => from > 0)).toBe(true)
  expect(sum(restored.map(({ records }) => records))).toBeLessThanOrEqual(KEYS)
  expect(await second.terminate()).toBe(0)
})

describe('a restart', () => {
  async function run(cluster: TestCluster, stateDir = cluster.stateDir): Promise<number> {
    const builder = new StreamsBuilder()
    builder
      .stream(cluster.name('in'), { key: string(), value: string() })
      .groupByKey()
      .count({ store: 'counts' })
      .toStream()
      .mapValues((count): WorkerOutput => ({ count, pid: 0 }))
      .to(cluster.name('out'), { key: string(), value: json<WorkerOutput>() })
    let restored = 0
    const app = new Millrace(builder.build(), {
      ...cluster.options,
      stateDir,
      processingGuarantee: 'exactly_once',
      cacheBytes: 0,
      restoreListener: { onRestoreEnd: ({ totalRestored }) => void (restored += totalRestored) }
    })
    await app.run({ until: 'end' })
    expect((await app.metrics()).restore.restoredRecords).toBe(restored)
    return restored
  }

  test('after a clean end restores nothing; on an empty disk, everything', async () => {
    await using cluster = await opened(2)
    await cluster.produce('in', round)
    expect(await run(cluster)).toBe(0)
    await cluster.produce('in', round)
    expect(await run(cluster)).toBe(0)
    await untilCounted(cluster, 2)
    await cluster.produce('in', round)
    expect(await run(cluster, await cluster.newStateDir())).toBe(2 * KEYS)
    await untilCounted(cluster, 3)
    // The old disk lacks what was done on the new one.
    await cluster.produce('in', round)
    expect(await run(cluster)).toBe(KEYS)
    await untilCounted(cluster, 4)
  })

  test('of a static member moves no task', async () => {
    await using cluster = await opened(2)
    const options = (groupInstanceId: string) => workerOptions(cluster, { groupInstanceId, sessionTimeoutMs: 20_000 })
    await using stays = await WorkerProcess.start(options('stays'))
    await using leaves = await WorkerProcess.start(options('leaves'))
    const taskCount = async (worker: WorkerProcess) => (await worker.metrics()).tasks?.length
    await expect.poll(async () => [await taskCount(stays), await taskCount(leaves)], poll).toEqual([1, 1])
    await cluster.produce('in', round)
    await untilCounted(cluster, 1)
    const tasks = { stays: (await stays.metrics()).tasks, leaves: (await leaves.metrics()).tasks }
    const before = stays.reports.length
    expect(await leaves.terminate()).toBe(0)
    expect((await cluster.client.admin.describeGroup(cluster.applicationId)).members).toHaveLength(2)

    await cluster.produce('in', round)
    await using returns = await WorkerProcess.start(options('leaves'))
    await untilCounted(cluster, 2)
    expect((await returns.metrics()).tasks).toEqual(tasks.leaves)
    expect((await stays.metrics()).tasks).toEqual(tasks.stays)
    expect(stays.reports.slice(before).filter(({ state, warning }) => state ?? warning)).toEqual([])
    expect(sum(returns.restored.map(({ records }) => records))).toBe(0)
  })

  test('of a static member that still runs ends the older one, which tells why, and doubles nothing', async () => {
    await using cluster = await opened(2)
    const options = workerOptions(cluster, { groupInstanceId: 'only', sessionTimeoutMs: 20_000 })
    await using older = await WorkerProcess.start(options)
    await cluster.produce('in', round)
    await untilCounted(cluster, 1)
    await using newer = new WorkerProcess(options)
    await cluster.produce('in', round)
    expect(await older.exited).toBe(1)
    expect(older.stderr).toContain('GROUP_INSTANCE_FENCED')
    expect(older.stderr).toContain("'only'")
    await untilCounted(cluster, 2)
    expect((await newer.metrics()).tasks).toHaveLength(2)
    expect((await cluster.client.admin.describeGroup(cluster.applicationId)).members).toHaveLength(1)
    expect(await newer.terminate()).toBe(0)
  })
})

test('a second instance takes over tasks with their state, and gives them back when it ends', async () => {
  await using cluster = await opened(4)
  await using first = await WorkerProcess.start(workerOptions(cluster))
  await cluster.produce('in', round)
  await untilCounted(cluster, 1)
  await using second = await WorkerProcess.start(workerOptions(cluster, { stateDir: await cluster.newStateDir() }))
  await expect.poll(async () => (await first.metrics()).tasks?.length, poll).toBe(2)
  await expect.poll(async () => (await second.metrics()).tasks?.length, poll).toBe(2)
  await cluster.produce('in', round)
  await untilCounted(cluster, 2)
  const bySecond = (await cluster.read('out')).filter(
    ({ value }) => (JSON.parse(value) as WorkerOutput).pid === second.pid
  )
  expect(bySecond.length).toBeGreaterThan(0)
  expect(sum(second.restored.map(({ records }) => records))).toBe(bySecond.length)

  expect(await second.terminate()).toBe(0)
  await expect.poll(async () => (await first.metrics()).tasks?.length, poll).toBe(4)
  await cluster.produce('in', round)
  await untilCounted(cluster, 3)
  // The first one kept its disk: it restores what the second one did, and no more.
  expect(sum(first.restored.map(({ records }) => records))).toBe(bySecond.length)
})

test('from one worker to three and back to one, with records flowing, every count appears once', async () => {
  await using cluster = await opened(4)
  let rounds = 0
  let stopped = false
  const producing = (async () => {
    while (!stopped) {
      await cluster.produce('in', round)
      rounds++
      // No faster than they are processed, or they would have to catch up afterwards.
      const behind = async () => rounds - sum((await cluster.committed('in')).map(offset => Math.max(0, offset))) / KEYS
      await expect.poll(behind, poll).toBeLessThan(5)
    }
  })()
  // Busy, so that tasks are given up in the middle of their input.
  const options = { ...workerOptions(cluster), busyMs: 1 }
  await using one = await WorkerProcess.start(options)
  await expect.poll(async () => (await one.metrics()).processedRecords, poll).toBeGreaterThan(0)
  await using two = await WorkerProcess.start(options)
  await using three = await WorkerProcess.start(options)
  const taskCounts = async () =>
    (await Promise.all([one, two, three].map(worker => worker.metrics()))).map(({ tasks }) => tasks?.length).sort()
  await expect.poll(taskCounts, poll).toEqual([1, 1, 2])
  const processed = async (worker: WorkerProcess) => (await worker.metrics()).processedRecords ?? 0
  await expect.poll(async () => Math.min(await processed(two), await processed(three)), poll).toBeGreaterThan(0)
  expect(await Promise.all([one.terminate(), two.terminate()])).toEqual([0, 0])
  await expect.poll(async () => (await three.metrics()).tasks?.length, poll).toBe(4)
  stopped = true
  await producing
  await untilCounted(cluster, rounds)
  expect(await three.terminate()).toBe(0)
  const pids = new Set((await cluster.read('out')).map(({ value }) => (JSON.parse(value) as WorkerOutput).pid))
  expect(pids).toEqual(new Set([one.pid, two.pid, three.pid]))
  expect([one, two, three].flatMap(({ warnings }) => warnings)).toEqual([])
})
