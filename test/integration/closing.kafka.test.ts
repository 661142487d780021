// Closing at any moment, and the states on the way.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type AppState, json, Millrace, type MillraceOptions, StreamsBuilder, string } from 'millrace'
import { describe, expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'
import type { WorkerOutput } from './worker-options.ts'
import { WorkerProcess } from './worker-process.ts'

const numbers = { key: string(), value: json<number>() }
const poll = { timeout: 30_000 }

function counting(cluster: TestCluster, options: Partial<MillraceOptions> = {}) {
  const builder = new StreamsBuilder()
  builder
    .stream(cluster.name('in'), numbers)
    .groupByKey()
    .count({ store: 'counts' })
    .toStream()
    .to(cluster.name('out'), numbers)
  const app = new Millrace(builder.build(), {
    ...cluster.options,
    processingGuarantee: 'exactly_once',
    cacheBytes: 0,
    ...options
  })
  const states: AppState[] = []
  app.onStateChange(now => states.push(now))
  return { app, states }
}

async function opened(): Promise<TestCluster> {
  const cluster = await TestCluster.open()
  await cluster.createTopics(2, 'in', 'out')
  return cluster
}

const records = (count: number) => Array.from({ length: count }, (_, i) => ({ key: `k${i}`, value: '1' }))

async function members(cluster: TestCluster): Promise<number> {
  return (await cluster.client.admin.describeGroup(cluster.applicationId)).members.length
}

describe('states', () => {
  test('of an ordinary life', async () => {
    await using cluster = await opened()
    const { app, states } = counting(cluster)
    expect(app.state).toBe('CREATED')
    const starting = app.start()
    expect(app.state).toBe('REBALANCING')
    await starting
    expect(app.state).toBe('RUNNING')
    const closing = app.close()
    expect(app.state).toBe('PENDING_SHUTDOWN')
    await closing
    expect(states).toEqual(['REBALANCING', 'RUNNING', 'PENDING_SHUTDOWN', 'NOT_RUNNING'])
    expect(await members(cluster)).toBe(0)
  })

  test('of a run to the end', async () => {
    await using cluster = await opened()
    const { app, states } = counting(cluster)
    await app.run({ until: 'end' })
    expect(states).toEqual(['REBALANCING', 'RUNNING', 'PENDING_SHUTDOWN', 'NOT_RUNNING'])
    expect(app.error).toBeUndefined()
    await app.close()
    expect(states).toHaveLength(4)
  })

  test('of a failure', async () => {
    await using cluster = await opened()
    await cluster.produce('in', [{ key: 'a', value: 'no number' }])
    const { app, states } = counting(cluster)
    await expect(app.run()).rejects.toMatchObject({ code: 'RECORD_DESERIALIZE_FAILED' })
    expect(states).toEqual(['REBALANCING', 'RUNNING', 'PENDING_ERROR', 'ERROR'])
    expect(app.error).toMatchObject({ code: 'RECORD_DESERIALIZE_FAILED' })
    await app.close()
    expect(app.state).toBe('ERROR')
    expect(await members(cluster)).toBe(0)
  })

  test('are told to listeners that throw, to others too, and to those that were removed no more', async () => {
    await using cluster = await opened()
    const { app, states } = counting(cluster)
    app.onStateChange(() => {
      throw new Error('a broken listener')
    })
    const others: AppState[] = []
    const remove = app.onStateChange(now => {
      others.push(now)
      if (now === 'RUNNING') remove()
    })
    await app.start()
    await app.close()
    expect(states).toEqual(['REBALANCING', 'RUNNING', 'PENDING_SHUTDOWN', 'NOT_RUNNING'])
    expect(others).toEqual(['REBALANCING', 'RUNNING'])
  })

  test('allow one start', async () => {
    await using cluster = await opened()
    const { app } = counting(cluster)
    await app.start()
    await expect(app.start()).rejects.toMatchObject({
      code: 'APP_STATE_INVALID',
      message: expect.stringContaining('RUNNING')
    })
    expect(app.state).toBe('RUNNING')
    await app.close()
    await expect(app.run()).rejects.toMatchObject({
      code: 'APP_STATE_INVALID',
      message: expect.stringMatching(/NOT_RUNNING.*Make a new one/)
    })
  })
})

describe('close()', () => {
  test('before the start ends at once, and there is no start any more', async () => {
    await using cluster = await opened()
    const { app, states } = counting(cluster)
    await app.close()
    expect(states).toEqual(['PENDING_SHUTDOWN', 'NOT_RUNNING'])
    await expect(app.start()).rejects.toMatchObject({ code: 'APP_STATE_INVALID' })
  })

  test('at any moment of the start ends it, and nothing stays behind', async () => {
    await using cluster = await opened()
    await cluster.produce('in', records(20))
    for (let turns = 0, wasRunning = false; !wasRunning; turns = Math.ceil(turns * 1.7 + 1)) {
      const { app, states } = counting(cluster)
      const starting = app.start().then(
        () => 'started',
        (error: unknown) => error
      )
      for (let i = 0; i < turns && app.state === 'REBALANCING'; i++) await nextTurn()
      wasRunning = app.state === 'RUNNING'
      await app.close()
      expect(app.state).toBe('NOT_RUNNING')
      expect(states.at(-1)).toBe('NOT_RUNNING')
      // Whoever closes it, by a signal for one, is no error of whoever waits for it.
      expect(await starting).toBe('started')
      expect(await members(cluster)).toBe(0)
    }
    const { app } = counting(cluster)
    await app.run({ until: 'end' })
    expect((await cluster.read('out')).map(({ key }) => key).sort()).toEqual(
      records(20)
        .map(({ key }) => key)
        .sort()
    )
  })

  test('twice, and once more, is one closing', async () => {
    await using cluster = await opened()
    const { app, states } = counting(cluster)
    await app.start()
    await Promise.all([app.close(), app.close()])
    await app.close()
    expect(states.filter(state => state === 'NOT_RUNNING')).toHaveLength(1)
  })

  test('in the middle of a restoration ends it; the next one goes on', async () => {
    await using cluster = await opened()
    await cluster.produce('in', records(60_000))
    await counting(cluster).app.run({ until: 'end' })
    const stateDir = await cluster.newStateDir()
    const begun = Promise.withResolvers<void>()
    const { app } = counting(cluster, { stateDir, restoreListener: { onBatchRestored: () => begun.resolve() } })
    const starting = app.start().catch((error: unknown) => error)
    await begun.promise
    expect(app.state).toBe('REBALANCING')
    expect((await app.metrics()).restore.tasks.length).toBeGreaterThan(0)
    await app.close()
    await starting
    expect(app.state).toBe('NOT_RUNNING')

    let restored = 0
    const next = counting(cluster, {
      stateDir,
      restoreListener: { onRestoreEnd: ({ totalRestored }) => void (restored += totalRestored) }
    })
    await next.app.start()
    expect(restored).toBeGreaterThan(0)
    expect(restored).toBeLessThan(60_000)
    await next.app.close()
  })

  test('that takes too long rejects with what to do, and still ends', async () => {
    await using cluster = await opened()
    await cluster.produce('in', records(1))
    const processing = Promise.withResolvers<void>()
    const builder = new StreamsBuilder()
    builder
      .stream(cluster.name('in'), numbers)
      .peek(() => {
        processing.resolve()
        for (const endMs = performance.now() + 1_000; performance.now() < endMs; );
      })
      .to(cluster.name('out'), numbers)
    const app = new Millrace(builder.build(), cluster.options)
    await app.start()
    await processing.promise
    await expect(app.close({ timeoutMs: 1 })).rejects.toMatchObject({
      code: 'APP_CLOSE_TIMED_OUT',
      message: expect.stringMatching(/within 1 ms.*processed again/)
    })
    await expect.poll(() => app.state, poll).toBe('NOT_RUNNING')
    expect(await cluster.read('out')).toHaveLength(1)
  })

  test('while it processes commits what was processed, and metrics can be asked for all the while', async () => {
    await using cluster = await opened()
    await cluster.produce('in', records(5_000))
    const { app } = counting(cluster, { commitIntervalMs: 5_000 })
    await app.start()
    let closed = false
    let processed = 0
    const watching = (async () => {
      while (!closed) {
        const metrics = await app.metrics()
        processed = Math.max(processed, metrics.processedRecords)
        await nextTurn()
      }
    })()
    await expect.poll(() => processed, { ...poll, interval: 1 }).toBeGreaterThan(0)
    await app.close()
    closed = true
    await watching
    const committed = (await cluster.committed('in')).reduce((sum, offset) => sum + Math.max(0, offset), 0)
    expect(committed).toBeGreaterThanOrEqual(processed)
    expect(await cluster.read('out')).toHaveLength(committed)
  })
})

test('SIGTERM in the middle of processing ends the process well: all that it wrote is committed', async () => {
  await using cluster = await opened()
  const { logger: _, handleSignals: __, ...app } = cluster.options
  await using worker = await WorkerProcess.start({
    input: cluster.name('in'),
    output: cluster.name('out'),
    busyMs: 5,
    app: { ...app, processingGuarantee: 'exactly_once', cacheBytes: 0, commitIntervalMs: 9_000 }
  })
  await cluster.produce('in', records(2_000))
  await expect.poll(async () => (await worker.metrics()).processedRecords, poll).toBeGreaterThan(0)
  expect(await cluster.read('out', 'last-stable')).toEqual([])
  expect(await worker.terminate()).toBe(0)
  expect(
    worker.reports
      .map(({ state }) => state)
      .filter(Boolean)
      .slice(-2)
  ).toEqual(['PENDING_SHUTDOWN', 'NOT_RUNNING'])
  const out = await cluster.read('out')
  const committed = (await cluster.committed('in')).reduce((sum, offset) => sum + Math.max(0, offset), 0)
  expect(out.length).toBeGreaterThan(0)
  expect(out.length).toBeLessThan(2_000)
  expect(committed).toBe(out.length)
  expect(out.every(({ value }) => (JSON.parse(value) as WorkerOutput).pid === worker.pid)).toBe(true)
})

test('metrics tell of records, commits, lag and state', async () => {
  await using cluster = await opened()
  const { app } = counting(cluster)
  expect(await app.metrics()).toMatchObject({ processedRecords: 0, lagRecords: 0, tasks: {} })
  await app.start()
  await cluster.produce('in', records(100))
  await expect.poll(async () => (await cluster.read('out')).length, poll).toBe(100)
  const metrics = await app.metrics()
  await app.close()
  expect(metrics).toMatchObject({ processedRecords: 100, droppedRecords: 0, lateRecords: 0, lagRecords: 0 })
  expect(Object.keys(metrics.tasks).sort()).toEqual(['0_0', '0_1'])
  expect(Object.values(metrics.tasks).reduce((sum, task) => sum + task.processedRecords, 0)).toBe(100)
  expect(Object.values(metrics.nodes).map(node => node.processed)).toEqual([100, 100, 100, 100])
  expect(metrics.commits.count).toBeGreaterThan(0)
  expect(metrics.commits.lastMs).toBeGreaterThan(0)
  expect(metrics.commits.maxMs).toBeGreaterThanOrEqual(metrics.commits.meanMs)
  expect(metrics.stateBytes).toBeGreaterThan(0)
  expect(metrics.bufferedInputBytes).toBe(0)
})
