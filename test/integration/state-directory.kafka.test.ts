// What can be wrong with a state directory: the error says what to do, and after mending nothing is missing or doubled.
import { execFileSync } from 'node:child_process'
import { mkdir, open, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createKafkaClient } from '@millrace/client'
import { StreamsApp, systemClock, systemEventLoop, systemRandom } from '@millrace/streams/runtime'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { json, Millrace, type MillraceOptions, StreamsBuilder, string } from 'millrace'
import { describe, expect, test } from 'vitest'
import { FaultyDisk } from './faulty-disk.ts'
import { TestCluster } from './test-cluster.ts'

const numbers = { key: string(), value: json<number>() }

function counting(cluster: TestCluster) {
  const builder = new StreamsBuilder()
  builder
    .stream(cluster.name('in'), numbers)
    .groupByKey()
    .count({ store: 'counts' })
    .toStream()
    .to(cluster.name('out'), numbers)
  return builder.build()
}

function app(cluster: TestCluster, options: Partial<MillraceOptions> = {}) {
  return new Millrace(counting(cluster), {
    ...cluster.options,
    processingGuarantee: 'exactly_once',
    cacheBytes: 0,
    ...options
  })
}

/** Sends one record per key and expects that the application, which had `before` of each, now counts one more. */
async function countsOn(cluster: TestCluster, before: number, application: Millrace, keys = 20): Promise<void> {
  await cluster.produce('in', oneEach(keys))
  await application.run({ until: 'end' })
  await expectCounts(cluster, before + 1, keys)
}

const oneEach = (keys: number) => Array.from({ length: keys }, (_, i) => ({ key: `k${i}`, value: '1' }))

/** Every key has every count up to `last` exactly once, in order. */
async function expectCounts(cluster: TestCluster, last: number, keys = 20): Promise<void> {
  const all = Array.from({ length: last }, (_, i) => i + 1)
  expect(await countsByKey(cluster)).toEqual(new Map(Array.from({ length: keys }, (_, i) => [`k${i}`, all])))
}

async function countsByKey(cluster: TestCluster): Promise<Map<string, number[]>> {
  const counts = new Map<string, number[]>()
  for (const { key, value } of await cluster.read('out')) {
    const list = counts.get(key)
    if (list === undefined) counts.set(key, [Number(value)])
    else list.push(Number(value))
  }
  return counts
}

async function opened(partitionCount = 1): Promise<TestCluster> {
  const cluster = await TestCluster.open()
  await cluster.createTopics(partitionCount, 'in', 'out')
  return cluster
}

describe('a state directory', () => {
  test('that is a file is named, with what to do', async () => {
    await using cluster = await opened()
    const stateDir = join(cluster.stateDir, 'file')
    await writeFile(stateDir, 'not a directory')
    const failing = app(cluster, { stateDir })
    await expect(failing.start()).rejects.toMatchObject({
      code: 'STATE_DIRECTORY_UNUSABLE',
      message: expect.stringMatching(new RegExp(`'${stateDir}.*move it or set another stateDir`))
    })
    expect(failing.state).toBe('ERROR')
    await rm(stateDir)
    await countsOn(cluster, 0, app(cluster, { stateDir }))
  })

  test.runIf(process.getuid?.() === 0)('that may not be written is named, with what to do', async () => {
    await using cluster = await opened()
    const stateDir = join(cluster.stateDir, 'mount')
    await mkdir(stateDir)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,ro', 'tmpfs', stateDir])
    try {
      await expect(app(cluster, { stateDir }).start()).rejects.toMatchObject({
        code: 'STATE_DIRECTORY_UNUSABLE',
        message: expect.stringMatching(new RegExp(`'${stateDir}.*Make it writable`))
      })
      execFileSync('mount', ['-o', 'remount,rw,size=64m', stateDir])
      await countsOn(cluster, 0, app(cluster, { stateDir }))
    } finally {
      execFileSync('umount', ['-l', stateDir])
    }
  })

  test.runIf(process.getuid?.() === 0)('on a full disk is named; once there is room, the run is complete', async () => {
    await using cluster = await opened()
    const stateDir = join(cluster.stateDir, 'mount')
    await mkdir(stateDir)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', stateDir])
    try {
      await cluster.produce('in', oneEach(20_000))
      await expect(app(cluster, { stateDir }).run({ until: 'end' })).rejects.toMatchObject({
        code: expect.stringMatching(/^STATE_(WRITE_FAILED|DIRECTORY_UNUSABLE)$/),
        message: expect.stringMatching(new RegExp(`'${stateDir}.*Free disk space.*Nothing that was committed is lost`))
      })
      execFileSync('mount', ['-o', 'remount,size=64m', stateDir])
      await app(cluster, { stateDir }).run({ until: 'end' })
      await expectCounts(cluster, 1, 20_000)
      await countsOn(cluster, 1, app(cluster, { stateDir }), 20_000)
    } finally {
      execFileSync('umount', ['-l', stateDir])
    }
  })
})

test.each(['exactly_once', 'at_least_once'] as const)(
  'whichever write to the state fails, the next run has lost no count and, exactly once, doubled none (%s)',
  async processingGuarantee => {
    await using cluster = await opened(3)
    const disk = new FaultyDisk()
    const run = async () => {
      const client = createKafkaClient({
        transport: kafkajsTransport({ brokers: [cluster.brokers] }),
        clock: systemClock,
        random: systemRandom,
        logger: cluster.options.logger
      })
      const application = new StreamsApp(
        counting(cluster),
        {
          applicationId: cluster.applicationId,
          sessionTimeoutMs: 6_000,
          processingGuarantee,
          cacheBytes: 0,
          commitIntervalMs: 1
        },
        {
          client,
          stores: disk.provider(),
          clock: systemClock,
          eventLoop: systemEventLoop,
          logger: cluster.options.logger
        }
      )
      await application.run({ until: 'end' })
    }
    let rounds = 0
    for (let failed = true; failed; ) {
      await cluster.produce('in', oneEach(20))
      rounds++
      disk.failAt(rounds)
      const error: unknown = await run().catch((thrown: unknown) => thrown)
      failed = disk.failures > 0
      if (failed) expect(error).toMatchObject({ code: 'STATE_WRITE_FAILED' })
      else expect(error).toBeUndefined()
      disk.failAt(0)
      await run()
      if (processingGuarantee === 'exactly_once') await expectCounts(cluster, rounds)
      else
        for (const counts of (await countsByKey(cluster)).values()) expect(counts.length).toBeGreaterThanOrEqual(rounds)
      // Also where a record was counted twice, no count was skipped or went back.
      for (const counts of (await countsByKey(cluster)).values()) expect(counts).toEqual(counts.map((_, i) => i + 1))
    }
    // Three tasks, each of which writes after a commit.
    expect(rounds).toBeGreaterThan(3)
  }
)

describe('files of LevelDB', () => {
  /** An application that has counted 3, and whose database went through a reopening, so that there is a table file. */
  async function counted(): Promise<{ cluster: TestCluster; db: string }> {
    const cluster = await opened()
    for (let before = 0; before < 3; before++) await countsOn(cluster, before, app(cluster))
    return { cluster, db: join(cluster.stateDir, cluster.applicationId, 'tasks', '0_0', 'db') }
  }

  async function overwrite(path: string, from: number, length: number): Promise<void> {
    const file = await open(path, 'r+')
    await file.write(Buffer.alloc(length, 0xa5), 0, length, from)
    await file.close()
  }

  test.each([
    ['CURRENT overwritten', /^CURRENT$/, (path: string) => writeFile(path, 'nonsense')],
    ['the manifest overwritten', /^MANIFEST/, (path: string) => overwrite(path, 0, 40)],
    ['the manifest emptied', /^MANIFEST/, (path: string) => truncate(path, 0)],
    ['the tables removed', /\.ldb$/, (path: string) => rm(path)],
    ['the tables cut short', /\.ldb$/, (path: string) => truncate(path, 20)],
    ['rows of the tables overwritten', /\.ldb$/, (path: string) => overwrite(path, 5, 60)]
  ])('with %s: the state is rebuilt from the changelog', async (_what, files, damage) => {
    const { cluster, db } = await counted()
    await using _closed = cluster
    const damaged = (await readdir(db)).filter(name => files.test(name))
    expect(damaged).not.toEqual([])
    for (const name of damaged) await damage(join(db, name))
    const warnings: string[] = []
    const restored: number[] = []
    await countsOn(
      cluster,
      3,
      app(cluster, {
        logger: { ...cluster.options.logger, warn: message => void warnings.push(message) },
        restoreListener: { onRestoreEnd: store => void restored.push(store.totalRestored) }
      })
    )
    expect(warnings).toContainEqual(expect.stringMatching(/damaged|rebuilt/))
    expect(Math.max(...restored)).toBe(60)
    await countsOn(cluster, 4, app(cluster))
  })

  test('with a block overwritten that is read long after the opening: the state is rebuilt from the changelog', async () => {
    await using cluster = await opened()
    const keys = 20_000
    for (let before = 0; before < 2; before++) await countsOn(cluster, before, app(cluster), keys)
    // Opening it sorts the log into a table: the newest rows are what is damaged.
    await app(cluster).run({ until: 'end' })
    const db = join(cluster.stateDir, cluster.applicationId, 'tasks', '0_0', 'db')
    const tables = (await readdir(db)).filter(name => name.endsWith('.ldb'))
    for (const name of tables) {
      const { size } = await stat(join(db, name))
      await overwrite(join(db, name), Math.floor(size / 2), 5_000)
    }
    expect(tables).not.toEqual([])
    const warnings: string[] = []
    const logger = { ...cluster.options.logger, warn: (message: string) => void warnings.push(message) }
    await countsOn(cluster, 2, app(cluster, { logger }), keys)
    expect(warnings).toContainEqual(expect.stringMatching(/damaged/))
  })

  test('without CURRENT: LevelDB begins anew, and so does the state, from the changelog', async () => {
    const { cluster, db } = await counted()
    await using _closed = cluster
    await rm(join(db, 'CURRENT'))
    await countsOn(cluster, 3, app(cluster))
  })

  test('with a log that ends in the middle of a batch: its tail is restored', async () => {
    const { cluster, db } = await counted()
    await using _closed = cluster
    for (const name of await readdir(db)) {
      if (!name.endsWith('.log')) continue
      const file = await open(join(db, name))
      const { size } = await file.stat()
      await file.close()
      await truncate(join(db, name), Math.floor(size * 0.7))
    }
    await countsOn(cluster, 3, app(cluster))
  })

  test('of a format of the future: the state is rebuilt from the changelog', async () => {
    const { cluster, db } = await counted()
    await using _closed = cluster
    await writeFile(join(db, '..', 'format.json'), '{"store":"level","version":99}')
    await countsOn(cluster, 3, app(cluster))
  })
})
