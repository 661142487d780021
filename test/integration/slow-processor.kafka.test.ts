// A producer that is faster than the processor: memory stays within its limit, and the group hears of the worker all the while.
import { expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'
import { WorkerProcess } from './worker-process.ts'

const KIB = 1024
const MIB = 1024 * KIB
const SESSION_TIMEOUT_MS = 6_000
const BUSY_MS = 250

test('a slow processor keeps its membership and its memory', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(1, 'in', 'out')
  const { logger: _, handleSignals: __, ...app } = cluster.options
  await using worker = await WorkerProcess.start({
    input: cluster.name('in'),
    output: cluster.name('out'),
    busyMs: BUSY_MS,
    app: {
      ...app,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      heartbeatIntervalMs: 1_000,
      processingGuarantee: 'exactly_once',
      inputBufferBytes: 64 * KIB
    }
  })
  const { rssBytes: rssAtStart = 0 } = await worker.metrics()
  const reportsAtStart = worker.reports.length

  // 32 MiB, sixteen times what a fetch takes; each batch 128 KiB.
  const value = 'x'.repeat(16 * KIB)
  const messages = Array.from({ length: 8 }, (_each, i) => ({ key: `k${i}`, value }))
  const producer = cluster.kafkajs.producer()
  await producer.connect()
  for (let i = 0; i < 256; i++) await producer.send({ topic: cluster.name('in'), messages })
  await producer.disconnect()

  let most = { bufferedInputBytes: 0, rssBytes: 0 }
  let longestMs = 0
  // Longer than a session.
  const { processedRecords: first = 0 } = await worker.metrics()
  for (let processed = first; (processed - first) * BUSY_MS < SESSION_TIMEOUT_MS + 2_000; ) {
    const askedMs = performance.now()
    const metrics = await worker.metrics()
    longestMs = Math.max(longestMs, performance.now() - askedMs)
    processed = metrics.processedRecords ?? 0
    most = {
      bufferedInputBytes: Math.max(most.bufferedInputBytes, metrics.bufferedInputBytes ?? 0),
      rssBytes: Math.max(most.rssBytes, metrics.rssBytes ?? 0)
    }
  }
  // Some input is buffered, and no more than the limit and one fetch of a partition, which ends with a whole batch.
  expect(most.bufferedInputBytes).toBeGreaterThan(16 * KIB)
  expect(most.bufferedInputBytes).toBeLessThanOrEqual(64 * KIB + MIB + 129 * KIB)
  expect(most.rssBytes - rssAtStart).toBeLessThan(48 * MIB)
  // The event loop had its turn after each record; so had heartbeats.
  expect(longestMs).toBeLessThan(6 * BUSY_MS)
  expect(worker.reports.slice(reportsAtStart).filter(({ state }) => state !== undefined)).toEqual([])
  expect(worker.warnings).toEqual([])
  const closing = performance.now()
  expect(await worker.terminate()).toBe(0)
  expect(performance.now() - closing).toBeLessThan(10 * BUSY_MS)
})
