import { CreateTopics, FindCoordinator, InitProducerId, kafkaError, ListOffsets, Metadata } from '@millrace/protocol'
import { type Clock, systemClock } from '@millrace/streams/ports'
import { expect, vi } from 'vitest'
import { EmbeddedBroker } from '../../broker.ts'
import { WireClient } from '../../test-support/wire-client.ts'

/** One of two brokers that are asked the same. */
export interface Side {
  readonly name: 'kafka' | 'embedded'
  readonly address: string
  close(): Promise<void>
}

/** A timer of no length fires with the next turn of the event loop, before any answer can have crossed a socket. */
const PROMPT_CLOCK: Clock = {
  nowMs: () => systemClock.nowMs(),
  monotonicMs: () => systemClock.monotonicMs(),
  setTimer(delayMs, callback) {
    if (delayMs > 0) return systemClock.setTimer(delayMs, callback)
    const immediate = setImmediate(callback)
    return () => clearImmediate(immediate)
  }
}

export async function openSides(): Promise<readonly [Side, Side]> {
  const { KAFKA_BROKERS } = process.env
  if (!KAFKA_BROKERS) throw new Error('Set KAFKA_BROKERS=host:port')
  const broker = await EmbeddedBroker.start({ port: 0, clock: PROMPT_CLOCK, autoCreateTopics: false })
  return [
    { name: 'kafka', address: KAFKA_BROKERS.split(',')[0] as string, close: async () => {} },
    { name: 'embedded', address: broker.bootstrap, close: () => broker.close() }
  ]
}

/** Creates topics of two partitions and waits until they, and the coordinators, are there. */
export async function prepare(side: Side, topics: readonly string[]): Promise<void> {
  const client = WireClient.dial(side.address)
  const created = await client.send(CreateTopics, 7, {
    topics: topics.map(name => ({ name, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] })),
    timeoutMs: 30_000
  })
  for (const { errorCode } of created.topics) if (errorCode !== 0) throw new Error(kafkaError(errorCode).name)
  await eventually(async () => {
    const metadata = await client.send(Metadata, 12, { topics: topics.map(name => ({ name })) })
    const found = await client.send(FindCoordinator, 2, { key: topics[0] as string, keyType: 0 })
    const ends = await client.send(ListOffsets, 5, {
      replicaId: -1,
      topics: topics.map(name => ({
        name,
        partitions: [0, 1].map(partitionIndex => ({ partitionIndex, timestamp: -1 }))
      }))
    })
    const led = ends.topics.every(({ partitions }) => partitions.every(({ errorCode }) => errorCode === 0))
    return found.errorCode === 0 && led && metadata.topics.every(({ partitions }) => partitions.length === 2)
  })
  await eventually(async () => {
    // Looking for the coordinator is what makes a new Kafka create its topic.
    await client.send(FindCoordinator, 2, { key: `${topics[0]}-probe`, keyType: 1 })
    const { errorCode } = await client.send(InitProducerId, 4, {
      transactionalId: `${topics[0]}-probe`,
      transactionTimeoutMs: 10_000
    })
    return errorCode === 0
  })
  client.close()
}

/** Asks until it holds. A Kafka that has just been started makes the topics of its coordinators first, which takes seconds. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  await vi.waitUntil(holds, { timeout: 40_000, interval: 20 })
}

/** Ids that brokers draw by chance, named in the order in which they appear. */
export class Names {
  readonly #names = new Map<unknown, string>()
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  of(id: unknown): string {
    const known = this.#names.get(id)
    if (known !== undefined) return known
    const name = `${this.#prefix}${this.#names.size}`
    this.#names.set(id, name)
    return name
  }
}

export function errorName(code: number): string {
  return kafkaError(code).name
}

/** Fails where the two begin to differ, with what led to it: reports of tests cut long lists short. */
export function expectSameLog(mine: readonly string[], kafkas: readonly string[]): void {
  const at = kafkas.findIndex((line, i) => mine[i] !== line)
  const from = Math.max(0, (at < 0 ? kafkas.length : at) - 3)
  const told = (log: readonly string[]): string => log.slice(from, from + 6).join('\n')
  expect(told(mine), `from line ${from + 1} on`).toBe(told(kafkas))
  expect(mine).toEqual(kafkas)
}
