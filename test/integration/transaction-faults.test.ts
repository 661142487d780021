// Each request of a transaction, each way in which it or its answer can come to grief, in both of Kafka's transaction protocols:
// what is committed is exact all the same. Time is virtual.
import { EmbeddedBroker, type Fault } from '@millrace/broker'
import { createKafkaClient } from '@millrace/client'
import { isStreamsError, NO_HEADERS } from '@millrace/streams/core'
import {
  type Clock,
  type KafkaClient,
  type ProducerOptions,
  type RecordProducer,
  SILENT_LOGGER
} from '@millrace/streams/ports'
import { expect, test } from 'vitest'

const REQUEST_TIMEOUT_MS = 4_000
const TRANSACTION_TIMEOUT_MS = 10_000
const INPUTS = 40
const PER_TRANSACTION = 10
const GROUP = { groupId: 'g', generationId: -1, memberId: '', groupInstanceId: undefined }
const INPUT = { topic: 'in', partition: 0 }

type Case = readonly [name: string, fault: Fault]

const LOST: readonly Case[] = [
  ['dropped on its way', { kind: 'drop', of: 'request' }],
  ['answered, the answer dropped', { kind: 'drop', of: 'response' }],
  ['cut off', { kind: 'disconnect', of: 'request' }],
  ['carried out, then cut off', { kind: 'disconnect', of: 'response' }],
  ['answered after the request time-out', { kind: 'delay', of: 'response', delayMs: REQUEST_TIMEOUT_MS * 1.5 }],
  [
    'answered after the transaction time-out',
    { kind: 'delay', of: 'response', delayMs: TRANSACTION_TIMEOUT_MS + REQUEST_TIMEOUT_MS }
  ],
  ['duplicated', { kind: 'duplicate' }],
  ['overtaken', { kind: 'reorder' }]
]
const LATE: Case = ['carried out after the request time-out', { kind: 'delay', of: 'request', delayMs: 6_000 }]
const REFUSED: readonly Case[] = [
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'CONCURRENT_TRANSACTIONS',
  'NOT_ENOUGH_REPLICAS',
  'REQUEST_TIMED_OUT',
  'UNKNOWN_SERVER_ERROR',
  'INVALID_TXN_STATE',
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_EPOCH',
  'TRANSACTION_ABORTABLE'
].map(error => [error, { kind: 'fail', error }])

const APIS = {
  // AddPartitionsToTxn and AddOffsetsToTxn are not sent in version 2: what is written adds its partition.
  1: ['InitProducerId', 'AddPartitionsToTxn', 'Produce', 'AddOffsetsToTxn', 'TxnOffsetCommit', 'EndTxn'],
  2: ['InitProducerId', 'Produce', 'TxnOffsetCommit', 'EndTxn']
} as const

const cases = ([1, 2] as const).flatMap(version =>
  APIS[version].flatMap(api =>
    // In version 1 what is carried out late can enter, or end, the next transaction: KIP-890 tells why there is a version 2.
    [...LOST, ...REFUSED, ...(version === 2 ? [LATE] : [])].map(([name, fault]) => ({ version, api, name, fault }))
  )
)

test.each(cases)('version $version, $api $name: each input is copied exactly once', async ({ version, api, fault }) => {
  for (const [skip, times] of [
    [1, 1],
    [0, 4]
  ] as const) {
    const clock = new TurningClock()
    await using broker = await EmbeddedBroker.start({ clock, random: () => 0.5 })
    const injected = broker.faults.inject({ apis: [api], fault, skip: api === 'InitProducerId' ? 0 : skip, times })
    await clock.during(copyAll(broker, clock, version))
    expect(injected.hits).toBeGreaterThan(0)
  }
})

/** As the runtime does it: each transaction with its input's offset; after an error abort or reset, then on from the committed one. */
async function copyAll(broker: EmbeddedBroker, clock: Clock, version: 1 | 2): Promise<void> {
  const client = createKafkaClient({
    transport: broker.transport(),
    clock,
    random: () => 0.5,
    logger: SILENT_LOGGER,
    requestTimeoutMs: REQUEST_TIMEOUT_MS
  })
  await client.admin.createTopics(
    ['in', 'out'].map(name => ({ name, partitionCount: 2, replicationFactor: 1, configs: {} }))
  )
  const committed = async (): Promise<number> => {
    const [found] = await client.admin.fetchOffsets('g', [INPUT], { requireStable: true })
    return Math.max(0, found?.offset ?? 0)
  }
  const producer = await begin(client, version)
  const appender = await producer.topic('out')
  let position = 0
  for (let attempt = 0; position < INPUTS; attempt++) {
    if (attempt > 30) throw new Error(`no progress beyond ${position}`)
    try {
      for (let input = position; input < position + PER_TRANSACTION; input++) {
        const value = Buffer.from(String(input))
        appender.append(input % 2, null, 0, -1, value, 0, value.length, clock.nowMs(), NO_HEADERS)
      }
      await producer.commit([{ ...INPUT, offset: position + PER_TRANSACTION, metadata: '' }], GROUP)
      position += PER_TRANSACTION
    } catch (error) {
      if (!isStreamsError(error)) throw error
      await recover(producer)
      position = await committed()
    }
  }
  await producer.close()
  expect(await committed()).toBe(INPUTS)
  expect(await read(client)).toEqual(
    [0, 1].map(parity => Array.from({ length: INPUTS / 2 }, (_, i) => String(2 * i + parity)))
  )
  await client.close()
}

/** An application that cannot start is started again. */
async function begin(client: KafkaClient, version: 1 | 2): Promise<RecordProducer> {
  const options: ProducerOptions & { readonly maxTransactionsVersion: 1 | 2 } = {
    transactionalId: 't',
    transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
    maxTransactionsVersion: version
  }
  for (let attempt = 0; ; attempt++) {
    try {
      return await client.createProducer(options)
    } catch (error) {
      if (!isStreamsError(error) || attempt > 5) throw error
    }
  }
}

async function recover(producer: RecordProducer): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await (attempt % 2 === 0 ? producer.abort() : producer.reset())
    } catch (error) {
      if (!isStreamsError(error) || attempt > 10) throw error
    }
  }
}

/** What is committed, by partition. Every transaction has to have ended. */
async function read(client: KafkaClient): Promise<string[][]> {
  const partitions = [0, 1].map(partition => ({ topic: 'out', partition, at: 'latest' as const }))
  const ends = await client.admin.listOffsets(partitions, 'read_uncommitted')
  const fetcher = client.createFetcher({ isolation: 'read_committed', maxBufferedBytes: 1 << 20 })
  const values: string[][] = []
  for (const { partition, offset } of ends) {
    const reader = fetcher.add({ topic: 'out', partition }, 0)
    const found: string[] = []
    while (reader.position < offset) {
      if (reader.next()) found.push(reader.buffer.toString('utf8', reader.valueStart, reader.valueEnd))
      else await fetcher.wait(200)
    }
    values[partition] = found
  }
  await fetcher.close()
  return values
}

/** Time that goes on to the next timer when there is nothing else to do. */
class TurningClock implements Clock {
  #nowMs = 0
  readonly #timers = new Set<{ readonly dueMs: number; readonly callback: () => void }>()

  nowMs(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Lets time pass until a promise settles. @throws when it does not within an hour */
  async during<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const done = (): void => {
      settled = true
    }
    promise.then(done, done)
    const untilMs = this.#nowMs + 3_600_000
    for (;;) {
      // What is ready runs, and what that makes ready.
      for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve))
      if (settled) return await promise
      let next: { readonly dueMs: number; readonly callback: () => void } | undefined
      for (const timer of this.#timers) if (next === undefined || timer.dueMs < next.dueMs) next = timer
      if (next === undefined || this.#nowMs > untilMs) throw new Error('Something waits for ever.')
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.callback()
    }
  }
}
