// Kafka Streams of Apache Kafka itself on the embedded broker: two processes with exactly_once_v2, one of them killed.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedBroker, type EmbeddedBrokerOptions } from '@millrace/broker'
import { createKafkaClient } from '@millrace/client'
import { type KafkaClient, SILENT_LOGGER } from '@millrace/streams/ports'
import { systemClock, systemRandom } from '@millrace/streams/runtime'
import { afterEach, expect, test } from 'vitest'
import { readTopic } from '../chaos/read-topic.ts'
import { StreamsInstance } from './java-process.ts'

const PARTITIONS = 4
const WITHIN = { timeout: 60_000, interval: 100 }
const JOIN_WINDOW_MS = 5000

interface Line {
  readonly topic: string
  readonly partition: number
  readonly key: string
  readonly value: string
  readonly timestampMs: number
}

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-broker-java-'))
  cleanups.push(() => rm(dir, { recursive: true, force: true }))
  return dir
}

/** A broker with topics, and what a test asks of it. */
class Rig {
  readonly broker: EmbeddedBroker
  readonly #client: KafkaClient
  readonly #dir: string
  readonly #errors: unknown[]

  private constructor(broker: EmbeddedBroker, client: KafkaClient, dir: string, errors: unknown[]) {
    this.broker = broker
    this.#client = client
    this.#dir = dir
    this.#errors = errors
  }

  static async open(topics: readonly string[], options: EmbeddedBrokerOptions = {}): Promise<Rig> {
    const errors: unknown[] = []
    const logger = { ...SILENT_LOGGER, error: (message: string, fields?: object) => errors.push([message, fields]) }
    const dir = await temporaryDir()
    const broker = await EmbeddedBroker.start({ port: 0, logger, ...options })
    cleanups.push(() => broker.close())
    const transport = broker.transport()
    const client = createKafkaClient({ transport, clock: systemClock, random: systemRandom, logger: SILENT_LOGGER })
    cleanups.push(() => client.close())
    await client.admin.createTopics(
      topics.map(name => ({ name, partitionCount: PARTITIONS, replicationFactor: 1, configs: {} }))
    )
    return new Rig(broker, client, dir, errors)
  }

  async instance(name: string, ...topology: string[]): Promise<StreamsInstance> {
    const started = await StreamsInstance.start(this.broker.bootstrap, 'app', join(this.#dir, name), ...topology)
    cleanups.push(() => started.kill())
    return started
  }

  async write(lines: readonly Line[]): Promise<void> {
    const producer = await this.#client.createProducer({})
    for (const { topic, partition, key, value, timestampMs } of lines) {
      const to = await producer.topic(topic)
      const [k, v] = [Buffer.from(key), Buffer.from(value)]
      to.append(partition, k, 0, k.length, v, 0, v.length, timestampMs, [])
    }
    await producer.flush()
    await producer.close()
  }

  async committed(topic: string): Promise<{ key: string; value: string }[]> {
    const records = await readTopic(this.#client, topic, 'read_committed', 'last-stable')
    return records.map(({ key, value }) => ({ key, value: value.toString() }))
  }

  /** Errors that the broker has logged. */
  get errors(): readonly unknown[] {
    return this.#errors
  }
}

test('word count: each word is counted once, through a kill -9 of one of two instances and its return', async () => {
  const rig = await Rig.open(['lines', 'counts'])
  let lineNumber = 0
  const words = new Map<string, number>()
  const lines = (count: number): Line[] =>
    Array.from({ length: count }, () => {
      const i = lineNumber++
      const said = [`w${i % 7}`, `w${i % 11}`, `w${(i * i) % 13}`]
      for (const word of said) words.set(word, (words.get(word) ?? 0) + 1)
      return { topic: 'lines', partition: i % PARTITIONS, key: `k${i}`, value: said.join(' '), timestampMs: Date.now() }
    })
  const counted = async (): Promise<number> => (await rig.committed('counts')).length

  const first = await rig.instance('first', 'word-count', 'lines', 'counts')
  await rig.write(lines(500))
  await expect.poll(counted, WITHIN).toBe(1500)
  expect(first.tasks).toBe(2 * PARTITIONS)
  const second = await rig.instance('second', 'word-count', 'lines', 'counts')
  await expect.poll(() => second.tasks, WITHIN).toBe(PARTITIONS)
  await expect.poll(() => first.tasks, WITHIN).toBe(PARTITIONS)

  await rig.write(lines(20_000))
  await expect.poll(counted, WITHIN).toBeGreaterThan(3000)
  await first.kill()
  expect(await counted()).toBeLessThan(61_500)
  await expect.poll(() => second.tasks, WITHIN).toBe(2 * PARTITIONS)
  const third = await rig.instance('first', 'word-count', 'lines', 'counts')
  await expect.poll(() => third.tasks, WITHIN).toBe(PARTITIONS)
  await rig.write(lines(500))
  await expect.poll(counted, WITHIN).toBe(63_000)
  expect(await Promise.all([second.close(), third.close()])).toEqual([0, 0])

  // Every count of every word once, in its order.
  const seen = new Map<string, number[]>()
  for (const { key, value } of await rig.committed('counts')) seen.set(key, [...(seen.get(key) ?? []), Number(value)])
  expect([...seen.keys()].sort()).toEqual([...words.keys()].sort())
  for (const [word, total] of words) {
    expect(seen.get(word), word).toEqual(Array.from({ length: total }, (_, i) => i + 1))
  }
  expect(rig.errors).toEqual([])
})

test('windowed join: every pair once, through a kill -9 of an instance and a restart of the broker on disk', async () => {
  const rig = await Rig.open(['left', 'right', 'joined'], { data: await temporaryDir() })
  const startMs = Date.now() - 600_000
  const written: Line[] = []
  const side = (topic: string, from: number, count: number): Line[] =>
    Array.from({ length: count }, (_, n) => {
      const i = from + n
      const keyNumber = (i * 7) % 40
      const value = `${topic}-${i}`
      return { topic, partition: keyNumber % PARTITIONS, key: `k${keyNumber}`, value, timestampMs: startMs + i * 100 }
    })
  const write = async (from: number, count: number): Promise<void> => {
    const lines = [...side('left', from, count), ...side('right', from, count)]
    written.push(...lines)
    await rig.write(lines)
  }
  const expected = (): string[] =>
    written
      .filter(({ topic }) => topic === 'left')
      .flatMap(left =>
        written
          .filter(({ topic, key }) => topic === 'right' && key === left.key)
          .filter(({ timestampMs }) => Math.abs(timestampMs - left.timestampMs) <= JOIN_WINDOW_MS)
          .map(right => `${left.value}+${right.value}`)
      )
      .sort()
  const joined = async (): Promise<number> => (await rig.committed('joined')).length

  const [first, second] = [
    await rig.instance('first', 'join', 'left', 'right', 'joined'),
    await rig.instance('second', 'join', 'left', 'right', 'joined')
  ]
  await expect.poll(() => first.tasks + second.tasks, WITHIN).toBe(PARTITIONS)
  await write(0, 1000)
  await expect.poll(joined, WITHIN).toBe(expected().length)

  await rig.broker.restart({ downMs: 500 })
  await write(1000, 1000)
  await expect.poll(joined, WITHIN).toBe(expected().length)

  await write(2000, 3000)
  await first.kill()
  await expect.poll(() => second.tasks, WITHIN).toBe(PARTITIONS)
  await expect.poll(joined, WITHIN).toBe(expected().length)
  expect((await rig.committed('joined')).map(({ value }) => value).sort()).toEqual(expected())
  expect(await second.close()).toBe(0)
  expect(rig.errors).toEqual([])
})
