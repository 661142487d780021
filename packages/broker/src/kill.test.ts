import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Api,
  CreateTopics,
  EndTxn,
  Fetch,
  InitProducerId,
  ListOffsets,
  OffsetFetch,
  Produce,
  RecordBatchCursor,
  type RequestOf,
  type ResponseOf,
  TxnOffsetCommit,
  ZERO_UUID
} from '@millrace/protocol'
import { afterEach, expect, test } from 'vitest'
import { batchOf } from './log/test-support/log-rig.ts'
import { seededRandom } from './test-support/seeded-random.ts'
import { WireClient } from './test-support/wire-client.ts'

const CHILD = join(import.meta.dirname, 'test-support', 'broker-child.ts')
const SEED = Number(process.env.KILL_SEED ?? 1)
const KILLS = Number(process.env.KILLS ?? 5)
// A start takes a while on a machine that is busy.
const TIMEOUT_MS = 30_000 + KILLS * 6000
const TOPIC = 'ledger'
const GROUP = 'readers'
const ID = 'writer'

class Killed extends Error {}

/** A broker that is killed with the n-th request from now on, while it may be at work on it. */
class MortalBroker {
  readonly #dir: string
  readonly #settings: object
  #child: ChildProcess | undefined
  #client: WireClient | undefined
  #requestsLeft = Infinity
  #exited: Promise<never> = new Promise(() => {})

  constructor(dir: string, settings: object = {}) {
    this.#dir = dir
    this.#settings = settings
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [CHILD, this.#dir, '0', JSON.stringify(this.#settings)], {
      stdio: ['ignore', 'pipe', 'inherit']
    })
    this.#child = child
    this.#exited = once(child, 'exit').then(() => {
      throw new Killed()
    })
    this.#exited.catch(() => {})
    const [address] = (await Promise.race([once(child.stdout!, 'data'), this.#exited])) as [Buffer]
    this.#client = WireClient.dial(String(address).trim())
    this.#requestsLeft = Infinity
  }

  /** @throws Killed */
  ask<A extends Api>(api: A, version: number, body: RequestOf<A>): Promise<ResponseOf<A>> {
    const answer = (this.#client as WireClient).send(api, version, body)
    if (--this.#requestsLeft === 0) setImmediate(() => this.kill())
    return Promise.race([answer, this.#exited])
  }

  killAfter(requests: number): void {
    this.#requestsLeft = requests
  }

  kill(): void {
    this.#client?.close()
    this.#child?.kill('SIGKILL')
  }
}

const cleanups: (() => void)[] = []
afterEach(() => cleanups.splice(0).forEach(cleanup => cleanup()))

test(
  `killed at any moment of transactional load it loses nothing acknowledged and shows nothing aborted`,
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-broker-'))
    const broker = new MortalBroker(dir)
    cleanups.push(() => {
      broker.kill()
      rmSync(dir, { recursive: true, force: true })
    })
    const random = seededRandom(SEED)
    const outcomes = new Map<string, 'committed' | 'aborted' | 'unknown'>()
    let acknowledgedOffset = -1
    let number = 0
    await broker.start()
    const topics = [{ name: TOPIC, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }]
    expect((await broker.ask(CreateTopics, 7, { topics, timeoutMs: 1000 })).topics[0]?.errorCode).toBe(0)

    for (let kills = 0; kills <= KILLS; kills++) {
      try {
        const producer = new Producer(broker)
        await producer.initialise()
        const last = kills === KILLS
        for (let i = 0; !last || i < 3; i++) {
          const value = `v${number++}`
          const commits = last || random() < 0.7
          outcomes.set(value, 'unknown')
          await producer.write(0, value)
          await producer.write(1, value)
          await producer.commitOffset(number)
          await producer.end(commits)
          outcomes.set(value, commits ? 'committed' : 'aborted')
          if (commits) acknowledgedOffset = number
          // From the first transaction of a run on, so that each run gets somewhere.
          if (i === 0 && !last) broker.killAfter(1 + Math.floor(random() * 30))
        }
      } catch (error) {
        if (!(error instanceof Killed)) throw error
        await broker.start()
      }
    }

    const shown = await Promise.all([0, 1].map(partition => readCommitted(broker, partition)))
    expect(shown[0]).toEqual(shown[1])
    expect(new Set(shown[0]).size).toBe(shown[0]?.length)
    const wrong = [...outcomes].filter(([value, outcome]) => {
      return outcome !== 'unknown' && (shown[0] as string[]).includes(value) !== (outcome === 'committed')
    })
    expect(wrong).toEqual([])
    const groups = [{ groupId: GROUP, topics: [{ name: TOPIC, partitionIndexes: [0] }] }]
    const stored = await broker.ask(OffsetFetch, 8, { groups, requireStable: true })
    // The last run ends with transactions that were answered.
    expect(stored.groups[0]?.topics[0]?.partitions[0]).toMatchObject({
      errorCode: 0,
      committedOffset: acknowledgedOffset
    })
    expect([...outcomes.values()].filter(outcome => outcome === 'committed').length).toBeGreaterThan(KILLS)
  },
  TIMEOUT_MS
)

test(
  'killed while logs are compacted and old segments go, it keeps the newest of each key and the newest records',
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-broker-'))
    const broker = new MortalBroker(dir, { logCleanupIntervalMs: 2 })
    cleanups.push(() => {
      broker.kill()
      rmSync(dir, { recursive: true, force: true })
    })
    const random = seededRandom(SEED)
    await broker.start()
    const compacting = { 'cleanup.policy': 'compact', 'segment.bytes': '1048576', 'min.cleanable.dirty.ratio': '0.01' }
    const retaining = { 'segment.bytes': '1048576', 'retention.bytes': '3000000' }
    const topics = Object.entries({ compacted: compacting, retained: retaining }).map(([name, settings]) => ({
      name,
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(settings).map(([setting, value]) => ({ name: setting, value }))
    }))
    await broker.ask(CreateTopics, 7, { topics, timeoutMs: 1000 })
    const newest = new Map<string, { acknowledged: string; possible: Set<string> }>()
    const retained: string[] = []
    const padding = '.'.repeat(60_000)
    let number = 0
    for (let kills = 0; kills <= KILLS; kills++) {
      broker.killAfter(kills === KILLS ? Infinity : 20 + Math.floor(random() * 100))
      try {
        for (let i = 0; i < 120; i++) {
          const [key, value] = [`k${Math.floor(random() * 10)}`, `${++number}`]
          const known = newest.get(key) ?? { acknowledged: '', possible: new Set() }
          newest.set(key, known)
          known.possible.add(value)
          await write(broker, 'compacted', key, `${value} ${padding}`)
          newest.set(key, { acknowledged: value, possible: new Set([value]) })
          await write(broker, 'retained', key, `${value} ${padding}`)
          retained.push(value)
        }
      } catch (error) {
        if (!(error instanceof Killed)) throw error
        await broker.start()
      }
    }
    const seen = new Map((await read(broker, 'compacted')).map(([key, value]) => [key, value]))
    const lost = [...newest].filter(([key, { possible }]) => !possible.has(seen.get(key) ?? ''))
    expect(lost).toEqual([])
    // Compacted indeed, and retained by size.
    expect((await read(broker, 'compacted')).length).toBeLessThan(number / 2)
    const kept = (await read(broker, 'retained')).map(([, value]) => value)
    expect(kept.length).toBeLessThan(retained.length)
    expect(kept.filter(value => retained.includes(value))).toEqual(
      retained.slice(retained.indexOf(kept.find(value => retained.includes(value)) as string))
    )
  },
  TIMEOUT_MS
)

async function write(broker: MortalBroker, name: string, key: string, value: string): Promise<void> {
  const topicData = [{ name, partitionData: [{ index: 0, records: batchOf([{ key, value }], Date.now()) }] }]
  const answer = await broker.ask(Produce, 12, { transactionalId: null, acks: -1, timeoutMs: 1000, topicData })
  expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(0)
}

/** Keys and first words of values, from the start of the log on. */
async function read(broker: MortalBroker, topic: string): Promise<[key: string, value: string][]> {
  const seen: [string, string][] = []
  const ask = async (timestamp: number): Promise<number> => {
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }]
    const answer = await broker.ask(ListOffsets, 5, { replicaId: -1, topics })
    return answer.topics[0]!.partitions[0]!.offset
  }
  const [start, end] = [await ask(-2), await ask(-1)]
  const cursor = new RecordBatchCursor()
  for (let fetchOffset = start; fetchOffset < end; fetchOffset = cursor.position) {
    const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }]
    const topics = [{ topic, topicId: ZERO_UUID, partitions }]
    const answer = await broker.ask(Fetch, 11, { maxWaitMs: 0, minBytes: 0, topics })
    const { errorCode, records } = answer.responses[0]!.partitions[0]!
    expect(errorCode).toBe(0)
    cursor.reset(records, fetchOffset)
    while (cursor.next()) {
      const value = cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueStart + 10)
      seen.push([cursor.buffer.toString('utf8', cursor.keyStart, cursor.keyEnd), value.split(' ')[0] as string])
    }
    if (cursor.position === fetchOffset) throw new Error(`Reading stops at ${fetchOffset}, before ${end}.`)
  }
  return seen
}

/** Transactions of version 2, request by request. */
class Producer {
  readonly #broker: MortalBroker
  #identity = { producerId: -1n, producerEpoch: -1 }
  #sequences = [0, 0]

  constructor(broker: MortalBroker) {
    this.#broker = broker
  }

  async initialise(): Promise<void> {
    for (;;) {
      const request = { transactionalId: ID, transactionTimeoutMs: 60_000 }
      const { errorCode, producerId, producerEpoch } = await this.#broker.ask(InitProducerId, 5, request)
      this.#identity = { producerId, producerEpoch }
      if (errorCode === 0) return
      expect(errorCode).toBe(51)
    }
  }

  async write(partition: 0 | 1, value: string): Promise<void> {
    const baseSequence = this.#sequences[partition] as number
    this.#sequences[partition] = baseSequence + 1
    const records = batchOf([{ value }], Date.now(), { ...this.#identity, baseSequence, transactional: true })
    const partitionData = [{ index: partition, records }]
    const topicData = [{ name: TOPIC, partitionData }]
    const answer = await this.#broker.ask(Produce, 12, { transactionalId: ID, acks: -1, timeoutMs: 1000, topicData })
    expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(0)
  }

  async commitOffset(committedOffset: number): Promise<void> {
    const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: null }]
    const topics = [{ name: TOPIC, partitions }]
    const request = { transactionalId: ID, groupId: GROUP, ...this.#identity, topics }
    const answer = await this.#broker.ask(TxnOffsetCommit, 5, request)
    expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(0)
  }

  async end(committed: boolean): Promise<void> {
    const answer = await this.#broker.ask(EndTxn, 5, { transactionalId: ID, ...this.#identity, committed })
    expect(answer.errorCode).toBe(0)
    this.#identity = { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
    this.#sequences = [0, 0]
  }
}

async function readCommitted(broker: MortalBroker, partition: number): Promise<string[]> {
  const values: string[] = []
  const cursor = new RecordBatchCursor()
  for (let fetchOffset = 0; ; fetchOffset = cursor.position) {
    const answer = await broker.ask(Fetch, 11, {
      maxWaitMs: 0,
      minBytes: 0,
      isolationLevel: 1,
      topics: [
        { topic: TOPIC, topicId: ZERO_UUID, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }] }
      ]
    })
    const { errorCode, records, abortedTransactions, highWatermark } = answer.responses[0]!.partitions[0]!
    expect(errorCode).toBe(0)
    cursor.reset(records, fetchOffset, abortedTransactions)
    while (cursor.next()) values.push(cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd))
    if (cursor.position >= highWatermark) return values
    if (cursor.position === fetchOffset) throw new Error(`Reading stops at ${fetchOffset}, before ${highWatermark}.`)
  }
}
