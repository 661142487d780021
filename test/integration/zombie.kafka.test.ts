// A process that was stopped past its session, as by a suspended laptop or a frozen container, while another took its tasks over.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { readTopic } from '../chaos/read-topic.ts'
import { TestCluster } from './test-cluster.ts'
import type { WorkerOptions, WorkerOutput } from './worker-options.ts'
import { WorkerProcess } from './worker-process.ts'

const KEYS = 40
const PARTITIONS = 2

const oneEach = () => Array.from({ length: KEYS }, (_, i) => ({ key: `k${i}`, value: 'x' }))

function optionsOf(cluster: TestCluster, transactionTimeoutMs: number): WorkerOptions {
  const { logger: _, handleSignals: __, ...app } = cluster.options
  return {
    input: cluster.name('in'),
    output: cluster.name('out'),
    app: {
      ...app,
      processingGuarantee: 'exactly_once',
      cacheBytes: 0,
      // Long, so that a transaction is open when the process is stopped.
      commitIntervalMs: 2_000,
      transactionTimeoutMs,
      heartbeatIntervalMs: 500
    }
  }
}

async function outputs(cluster: TestCluster, isolation: 'read_committed' | 'read_uncommitted' = 'read_committed') {
  // What is open is what this is about: it is not waited for.
  const records = await readTopic(cluster.client, cluster.name('out'), isolation, 'last-stable')
  return records.map(({ key, value }) => ({ key, ...(JSON.parse(value.toString()) as WorkerOutput) }))
}

const poll = { timeout: 45_000, interval: 100 }

describe.concurrent('a worker that was stopped past its session', () => {
  test.for([
    ['and past its transaction time-out', true] as const,
    ['but not past its transaction time-out', false] as const
  ])('%s doubles nothing, and goes on as a member', async ([, isTimedOut], { expect }) => {
    await using cluster = await TestCluster.open()
    await cluster.createTopics(PARTITIONS, 'in', 'out')
    const options = optionsOf(cluster, isTimedOut ? 3_000 : 60_000)
    await using zombie = await WorkerProcess.start(options)
    await using other = await WorkerProcess.start(options)
    const taskCounts = async () => [(await zombie.metrics()).tasks?.length, (await other.metrics()).tasks?.length]
    await expect.poll(taskCounts, poll).toEqual([1, 1])

    // A first round is committed; the second is in the zombie's transaction when it is stopped.
    await cluster.produce('in', oneEach())
    await expect.poll(async () => (await outputs(cluster)).length, poll).toBe(KEYS)
    await cluster.produce('in', oneEach())
    const uncommittedOfZombie = async () => {
      const [all, committed] = await Promise.all([outputs(cluster, 'read_uncommitted'), outputs(cluster)])
      return (
        all.filter(({ pid }) => pid === zombie.pid).length - committed.filter(({ pid }) => pid === zombie.pid).length
      )
    }
    await expect.poll(uncommittedOfZombie, { ...poll, interval: 10 }).toBeGreaterThan(0)
    zombie.signal('SIGSTOP')
    const before = await outputs(cluster, 'read_uncommitted')
    expect(before.filter(({ pid, count }) => pid === zombie.pid && count === 2).length).toBeGreaterThan(0)

    const expelled = async () => {
      const { state, members } = await cluster.client.admin.describeGroup(cluster.applicationId)
      return [state, members.length]
    }
    await expect.poll(expelled, poll).toEqual(['Stable', 1])
    await cluster.produce('in', oneEach())
    if (isTimedOut) {
      // The other one gets its task, though the zombie still holds the lock of its folder, and does the second round again.
      await expect.poll(async () => (await other.metrics()).tasks?.length, poll).toBe(PARTITIONS)
      expect(other.warnings).toContainEqual(expect.stringMatching(new RegExp(`held by process ${zombie.pid}`)))
      const folders = await readdir(join(cluster.stateDir, cluster.applicationId, 'tasks'))
      expect(folders.filter(name => name.includes('~'))).toHaveLength(1)
      const byOther = async () => {
        const all = await outputs(cluster, 'read_uncommitted')
        return all.filter(({ pid }) => pid === other.pid).length
      }
      await expect.poll(byOther, poll).toBeGreaterThanOrEqual(2 * KEYS)
    } else {
      // Its changelog ends in an open transaction: the other one waits for that.
      expect((await other.metrics()).tasks).toHaveLength(1)
    }

    const reportsBefore = zombie.reports.length
    zombie.signal('SIGCONT')
    await zombie.until(({ state }) => state === 'RUNNING', reportsBefore)
    await expect.poll(taskCounts, poll).toEqual([1, 1])
    await cluster.produce('in', oneEach())
    await expect.poll(async () => (await outputs(cluster)).length, poll).toBe(4 * KEYS)

    const counts = new Map<string, number[]>()
    for (const { key, count } of await outputs(cluster)) counts.set(key, [...(counts.get(key) ?? []), count])
    expect(counts).toEqual(new Map(oneEach().map(({ key }) => [key, [1, 2, 3, 4]])))
    // The last round was counted by both.
    expect(new Set((await outputs(cluster)).filter(({ count }) => count === 4).map(({ pid }) => pid))).toEqual(
      new Set([zombie.pid, other.pid])
    )
    expect(await Promise.all([zombie.terminate(), other.terminate()])).toEqual([0, 0])
  })
})
