import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import {
  json,
  type KafkaClient,
  kafkaClient,
  Millrace,
  type MillraceOptions,
  StreamsBuilder,
  string,
  type Topology,
  tumbling
} from 'millrace'
import {
  delay,
  filter,
  firstValueFrom,
  lastValueFrom,
  map,
  mergeMap,
  type Observable,
  of,
  type OperatorFunction,
  pipe,
  toArray
} from 'rxjs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  changes,
  fromObservable,
  fromTopic,
  mapHeld,
  pipeThrough,
  tableChanges,
  toObservable,
  type TopicRecord
} from './index.ts'

const brokers = process.env.KAFKA_BROKERS?.split(',')
if (brokers === undefined)
  throw new Error('KAFKA_BROKERS is not set. `npm run test:kafka` sets it, or starts a broker.')

const serdes = { key: string(), value: json<number>() }
const prefix = `rxjs-${randomUUID().slice(0, 8)}`
let kafka: KafkaClient
let stateDir: string
const groups: string[] = []

beforeAll(async () => {
  kafka = kafkaClient({ brokers })
  stateDir = await mkdtemp(join(tmpdir(), 'millrace-rxjs-'))
})

afterAll(async () => {
  const all = [...(await kafka.admin.describeTopics()).keys()].filter(name => name.startsWith(prefix))
  await kafka.admin.deleteTopics(all)
  for (const group of groups) await kafka.admin.deleteGroup(group).catch(() => {})
  await kafka.close()
  await rm(stateDir, { recursive: true, force: true })
})

async function topic(name: string, partitionCount = 2): Promise<string> {
  const full = `${prefix}-${name}`
  await kafka.admin.createTopics([{ name: full, partitionCount, replicationFactor: 1, configs: {} }])
  return full
}

function appOf(topology: Topology, id: string): Millrace {
  const applicationId = `${prefix}-${id}`
  groups.push(applicationId)
  return new Millrace(topology, {
    applicationId,
    brokers: brokers as string[],
    stateDir,
    processingGuarantee: 'exactly_once',
    commitIntervalMs: 50,
    handleSignals: false,
    logger: { debug() {}, info() {}, warn() {}, error() {} }
  })
}

const readings = (values: readonly number[]) =>
  values.map(value => ({ key: `k${value % 3}`, value, timestampMs: value }))

const write = async (to: string, values: readonly number[]) =>
  await lastValueFrom(fromObservable(readings(values), kafka, to, serdes).pipe(toArray()))

const read = async (from: string) =>
  await lastValueFrom(
    fromTopic(kafka, from, serdes, { from: 'earliest', until: 'end' }).pipe(
      map(({ value }) => value as number),
      toArray()
    )
  )

/** The rows that changes add up to, once one of them is `value`. */
async function rowsUntil<K>(
  changes$: Observable<TopicRecord<K, number>>,
  nameOf: (key: K | null) => string,
  key: string,
  value: number
): Promise<Map<string, number | null>> {
  const rows = new Map<string, number | null>()
  await firstValueFrom(
    changes$.pipe(
      map(change => rows.set(nameOf(change.key), change.value)),
      filter(() => rows.get(key) === value)
    )
  )
  return rows
}

test('fromTopic until the end waits for a transaction that is open at the subscription', async () => {
  const name = await topic('open', 1)
  await write(name, [1])
  const producer = await kafka.createProducer({ transactionalId: `${name}-producer` })
  const appender = await producer.topic(name)
  const [key, value] = [Buffer.from('k'), Buffer.from('2')]
  appender.append(0, key, 0, key.length, value, 0, value.length, 2, [])
  await producer.flush()
  const group = { groupId: name, generationId: -1, memberId: '', groupInstanceId: undefined }
  const seen: unknown[] = []
  await new Promise<void>((resolve, reject) => {
    fromTopic(kafka, name, serdes, { from: 'earliest', until: 'end' }).subscribe({
      next: record => {
        seen.push(record.value)
        // What is to be read is settled by now.
        if (seen.length === 1) producer.commit([], group).catch(reject)
      },
      error: reject,
      complete: resolve
    })
  })
  expect(seen).toEqual([1, 2])
  await producer.close()
})

describe('on Kafka', () => {
  test('what is written is reported with its offset, and read back', async () => {
    const name = await topic('round-trip', 3)
    const values = Array.from({ length: 2_000 }, (_, i) => i)
    const reports = await write(name, values)
    const records = await lastValueFrom(
      fromTopic(kafka, name, serdes, { from: 'earliest', until: 'end' }).pipe(toArray())
    )
    const lying = new Map(records.map(({ partition, offset, value }) => [`${partition}@${offset}`, value]))
    expect(reports).toHaveLength(2_000)
    for (const { partition, offset, record } of reports) expect(lying.get(`${partition}@${offset}`)).toBe(record.value)
  })

  test('a slow subscriber is given what it may hold, and the rest when it goes on', async () => {
    const name = await topic('slow', 1)
    await write(
      name,
      Array.from({ length: 300 }, (_, i) => i)
    )
    let given = 0
    let done = 0
    let most = 0
    const values = await lastValueFrom(
      fromTopic(kafka, name, serdes, { from: 'earliest', until: 'end', maxHeldRecords: 7 }).pipe(
        map(record => {
          most = Math.max(most, ++given - done)
          return record
        }),
        mapHeld(async ({ value }) => {
          await new Promise<void>(resolve => setImmediate(resolve))
          done++
          return value
        }),
        toArray()
      )
    )
    expect(values).toHaveLength(300)
    expect(most).toBe(7)
  })

  test('a stream ends in an Observable, whose held record is committed only when it is let go', async () => {
    const name = await topic('held', 1)
    await write(name, [1, 2])
    const saved = Promise.withResolvers<void>()
    const builder = new StreamsBuilder()
    const records$ = toObservable(builder.stream(name, serdes))
    const app = appOf(builder.build(), 'held')
    const seen: number[] = []
    const got = Promise.withResolvers<void>()
    records$
      .pipe(
        mapHeld(async ({ value }) => {
          seen.push(value)
          got.resolve()
          await saved.promise
        })
      )
      .subscribe()
    await app.start()
    await got.promise
    const committed = async () =>
      (await kafka.admin.fetchOffsets(`${prefix}-held`, [{ topic: name, partition: 0 }], { requireStable: false }))[0]
        ?.offset
    expect(seen).toEqual([1])
    // Several commit intervals are due meanwhile.
    for (let i = 0; i < 20; i++) expect(await committed()).toBeLessThan(1)
    saved.resolve()
    await app.close()
    expect(await committed()).toBe(seen.length)
  })

  test('a process that is killed while a record is held loses none, and commits none twice', async () => {
    const [input, output] = [await topic('killed-in', 1), await topic('killed-out', 1)]
    const values = Array.from({ length: 20 }, (_, i) => i)
    await write(input, values)
    const applicationId = `${prefix}-killed`
    groups.push(applicationId)
    const options: MillraceOptions = {
      applicationId,
      brokers: brokers as string[],
      stateDir,
      processingGuarantee: 'exactly_once',
      commitIntervalMs: 10,
      // What the killed process leaves behind is waited for no longer than this.
      sessionTimeoutMs: 6_000,
      transactionTimeoutMs: 10_000
    }
    const run = (stuckAt: number) => {
      const script = fileURLToPath(new URL('test-support/held-app.ts', import.meta.url))
      const args = [script, JSON.stringify(options), input, output, String(stuckAt)]
      return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    }
    const linesOf = async (child: ChildProcessByStdio<null, Readable, null>, last?: string) => {
      const lines: string[] = []
      for await (const line of createInterface({ input: child.stdout })) {
        lines.push(line)
        if (line === last) child.kill('SIGKILL')
      }
      return lines
    }
    const killed = await linesOf(run(12), 'held 12')
    // What was let go may be committed; what is held is not.
    expect(await read(output)).not.toContain(12)
    const second = await linesOf(run(-1))
    expect(await read(output)).toEqual(values)
    const saved = [...killed, ...second].filter(line => line.startsWith('saved '))
    expect(new Set(saved)).toEqual(new Set(values.map(value => `saved ${value}`)))
    expect(second).toContain('saved 12')
  })

  test('the changes of a store and of a window are read as they are committed, rows first', async () => {
    const name = await topic('changes', 2)
    await write(name, [1, 2, 4])
    const builder = new StreamsBuilder()
    const grouped = builder.stream(name, serdes).groupByKey()
    const counts = grouped.count({ store: 'counts' })
    const windows = grouped.windowedBy(tumbling(10)).count({ store: 'windows' })
    const updates: unknown[] = []
    tableChanges(windows).subscribe(({ key, value }) => updates.push([key.key, key.startMs, value]))
    const app = appOf(builder.build(), 'changes')
    await app.start()
    // k1 by 1 and 4, k2 by 2; then k1 by 13. How many changes that makes depends on the commits between them.
    const countRows = rowsUntil(changes(app, counts.queryableStore, { from: 'earliest' }), String, 'k1', 3)
    const windowRows = rowsUntil(
      changes(app, windows.queryableStore, { from: 'earliest' }),
      window => `${window?.key} ${window?.startMs}-${window?.endMs}`,
      'k1 10-20',
      1
    )
    await write(name, [13])
    expect([...(await countRows)].sort()).toEqual([
      ['k1', 3],
      ['k2', 1]
    ])
    expect([...(await windowRows)].sort()).toEqual([
      ['k1 0-10', 2],
      ['k1 10-20', 1],
      ['k2 0-10', 1]
    ])
    expect(updates).toContainEqual(['k1', 10, 1])
    await app.close()
  })

  test('pipeThrough keeps exactly-once over an abort: what emits late is not committed, and done once mended', async () => {
    const input = await topic('piped-in', 1)
    const output = await topic('piped-out', 1)
    await write(input, [1, 2, 3, 4])
    const topology = (operator: OperatorFunction<number, number>) => {
      const builder = new StreamsBuilder()
      pipeThrough(builder.stream(input, serdes), operator).to(output, { value: json<number>() })
      return builder.build()
    }
    const late = mergeMap((n: number) => (n === 3 ? of(n * 10).pipe(delay(1)) : [n * 10, n * 10 + 1]))
    const broken = appOf(topology(late), 'piped')
    await expect(broken.run({ until: 'end' })).rejects.toMatchObject({ code: 'RXJS_EMITTED_LATE' })
    expect(await read(output)).not.toContain(30)

    const mended = appOf(topology(pipe(mergeMap(n => [n * 10, n * 10 + 1]))), 'piped')
    await mended.run({ until: 'end' })
    expect(await read(output)).toEqual([10, 11, 20, 21, 30, 31, 40, 41])
  })

  test('reading does not end before the subscription does', async () => {
    const name = await topic('live', 1)
    const first = firstValueFrom(
      fromTopic(kafka, name, serdes, { from: 'earliest' }).pipe(filter(({ value }) => value === 2))
    )
    await write(name, [1])
    await write(name, [2])
    expect((await first).offset).toBe(1)
  })
})
