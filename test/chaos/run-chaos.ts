import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createKafkaClient } from '@millrace/client'
import type { IsolationLevel, KafkaClient } from '@millrace/streams/ports'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { systemClock, systemRandom } from '@millrace/streams/runtime'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { Kafka, logLevel } from 'kafkajs'
import { Millrace, type ReadOnlyKeyValueStore, type ValueAndTimestamp } from 'millrace'
import { type ChaosOutput, chaosTopology } from './chaos-topology.ts'
import { seededRandom } from './random.ts'
import { readTopic } from './read-topic.ts'
import { WorkerFleet } from './worker-fleet.ts'

export interface ChaosOptions {
  readonly brokers: string
  /** How long workers are killed; longer where `minKills` takes longer. */
  readonly minutes: number
  readonly minKills: number
  readonly seed: number
  readonly guarantee: 'at_least_once' | 'exactly_once'
  readonly workers: number
  readonly killEveryMs: number
  readonly log: (line: string) => void
}

export interface ChaosReport {
  readonly violations: string[]
  readonly kills: number
  readonly inputs: number
  readonly outputs: number
  readonly aborted: number
  readonly largestTail: number
  readonly changelogRecords: number
}

const PARTITIONS = 4
const KEYS = 200
const BATCH = 100
const BATCH_EVERY_MS = 50

/** Runs the whole test; see `chaos.ts` for what it checks. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { brokers, guarantee, log } = options
  const random = seededRandom(options.seed)
  const applicationId = `chaos-${process.pid}-${options.seed}-${guarantee}`
  const input = `${applicationId}-in`
  const output = `${applicationId}-out`
  const changelog = `${applicationId}-counts-changelog`
  const copied = { groupId: applicationId, input, output }
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-chaos-'))
  const client = createKafkaClient({
    transport: kafkajsTransport({ brokers: [brokers] }),
    clock: systemClock,
    random: systemRandom,
    logger: SILENT_LOGGER
  })
  await client.connect()
  await client.admin.createTopics([
    { name: input, partitionCount: PARTITIONS, replicationFactor: 1, configs: {} },
    // The broker's clock tells in which interval an output was written.
    {
      name: output,
      partitionCount: PARTITIONS,
      replicationFactor: 1,
      configs: { 'message.timestamp.type': 'LogAppendTime' }
    }
  ])
  const fleet = new WorkerFleet([brokers, applicationId, stateDir, guarantee, input, output], log)
  try {
    await Promise.all(Array.from({ length: options.workers }, (_, slot) => fleet.start(slot)))
    const source = startSource(brokers, input, random)
    const killed = new Map<string, number>()
    const marks = [Date.now()]
    const endMs = Date.now() + options.minutes * 60_000
    while (killed.size < options.minKills || Date.now() + options.killEveryMs <= endMs) {
      await sleep(options.killEveryMs)
      const slot = Math.floor(random() * options.workers)
      await stopBeforeCommit(fleet, slot, client, copied)
      const incarnation = await fleet.kill(slot)
      killed.set(incarnation, Date.now())
      marks.push(Date.now())
      log(`killed ${incarnation}`)
      await fleet.start(slot)
    }
    const sent = await source.stop()
    await untilProcessed(client, copied)
    marks.push(Date.now())
    await fleet.stop()

    const committed = await readTopic(client, output, 'read_committed')
    const all = await readTopic(client, output, 'read_uncommitted')
    const outputs = committed.map(record => ({ ...record, value: JSON.parse(record.value.toString()) as ChaosOutput }))
    const aborted = countBy(all, record => (JSON.parse(record.value.toString()) as ChaosOutput).incarnation)
    for (const [incarnation, count] of countBy(outputs, record => record.value.incarnation)) {
      aborted.set(incarnation, (aborted.get(incarnation) ?? 0) - count)
    }
    const changelogRecords = await readTopic(client, changelog, 'read_committed')

    const violations = [...fleet.crashes]
    checkOutputs(sent, outputs, guarantee, violations)
    checkIntervals(marks, outputs, violations)
    if (guarantee === 'exactly_once') {
      for (const incarnation of killed.keys()) {
        if ((aborted.get(incarnation) ?? 0) === 0)
          violations.push(`3: killing ${incarnation} did not hit an open transaction`)
      }
    }
    const expected = new Map(changelogRecords.map(({ key, value }) => [key, Number(value.readBigInt64BE())]))
    await checkStores(options, applicationId, input, output, stateDir, expected, 'surviving disk', violations)
    const freshDir = await mkdtemp(join(tmpdir(), 'millrace-chaos-fresh-'))
    await checkStores(options, applicationId, input, output, freshDir, expected, 'new disk', violations)
    await rm(freshDir, { recursive: true })

    const largestTail = Math.max(0, ...fleet.restored.filter(each => each.from > 0).map(each => each.restored))
    const late = fleet.restored.filter(
      ({ from, restored, to }) => from > 0 && restored > 0 && restored > to / 2 && to > 2_000
    )
    for (const each of late) violations.push(`5: ${each.incarnation} restored ${each.restored} of ${each.to} records`)
    if (!fleet.restored.some(each => each.from > 0)) violations.push('5: no worker ever restored from a checkpoint')
    return {
      violations,
      kills: killed.size,
      inputs: sumOf(sent),
      outputs: outputs.length,
      aborted: sumOf(aborted),
      largestTail,
      changelogRecords: changelogRecords.length
    }
  } finally {
    await fleet.stop()
    await client.admin
      .deleteTopics([input, output, changelog, `${applicationId}-millrace-topology-changelog`])
      .catch(() => {})
    await client.admin.deleteGroup(applicationId).catch(() => {})
    await client.close()
    await rm(stateDir, { recursive: true, force: true })
  }
}

/** Sends records at a steady rate with kafkajs, somebody else's producer, and counts them by key. */
function startSource(brokers: string, topic: string, random: () => number) {
  const producer = new Kafka({ brokers: [brokers], logLevel: logLevel.ERROR }).producer({
    idempotent: true,
    maxInFlightRequests: 1
  })
  const sent = new Map<string, number>()
  let stopped = false
  const done = (async () => {
    await producer.connect()
    while (!stopped) {
      const messages = Array.from({ length: BATCH }, () => ({ key: `key-${Math.floor(random() * KEYS)}`, value: 'x' }))
      await producer.send({ topic, messages })
      for (const { key } of messages) sent.set(key, (sent.get(key) ?? 0) + 1)
      await sleep(BATCH_EVERY_MS)
    }
    await producer.disconnect()
  })()
  return {
    async stop() {
      stopped = true
      await done
      return sent
    }
  }
}

interface CopiedTopics {
  readonly groupId: string
  readonly input: string
  readonly output: string
}

/** Stops the process while not all that it wrote is committed: what is killed next has something to lose. */
async function stopBeforeCommit(
  fleet: WorkerFleet,
  slot: number,
  client: KafkaClient,
  copied: CopiedTopics
): Promise<void> {
  for (;;) {
    const seen = await untilUncommitted(client, copied, fleet.incarnation(slot))
    fleet.signal(slot, 'SIGSTOP')
    // A commit may have been on its way to the broker.
    await sleep(300)
    const committed = await committedOffsets(client, copied)
    if (seen.inputOffset >= (committed[seen.partition] as number)) return
    fleet.signal(slot, 'SIGCONT')
  }
}

/** Waits until the process has an output of an input that is not committed. */
async function untilUncommitted(
  client: KafkaClient,
  copied: CopiedTopics,
  incarnation: string
): Promise<{ readonly partition: number; readonly inputOffset: number }> {
  const topic = copied.output
  const ends = await endsOf(client, topic, 'read_uncommitted')
  const fetcher = client.createFetcher({ isolation: 'read_uncommitted', maxBufferedBytes: 1 << 20, maxWaitMs: 10 })
  try {
    const readers = ends.map(({ partition, offset }) => fetcher.add({ topic, partition }, offset))
    for (;;) {
      const committed = await committedOffsets(client, copied)
      for (const reader of readers) {
        while (reader.next()) {
          const output = JSON.parse(reader.buffer.toString('utf8', reader.valueStart, reader.valueEnd)) as ChaosOutput
          const { partition } = reader
          if (output.incarnation === incarnation && output.inputOffset >= (committed[partition] as number)) {
            return { partition, inputOffset: output.inputOffset }
          }
        }
      }
      await fetcher.wait(50)
    }
  } finally {
    await fetcher.close()
  }
}

async function endsOf(client: KafkaClient, topic: string, isolation: IsolationLevel) {
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition, at: 'latest' as const }))
  return await client.admin.listOffsets(partitions, isolation)
}

/** By partition of the input; 0 where nothing is committed. */
async function committedOffsets(client: KafkaClient, { groupId, input }: CopiedTopics): Promise<number[]> {
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: input, partition }))
  const offsets = Array.from({ length: PARTITIONS }, () => 0)
  for (const { partition, offset } of await client.admin.fetchOffsets(groupId, partitions, { requireStable: false })) {
    offsets[partition] = Math.max(0, offset)
  }
  return offsets
}

async function untilProcessed(client: KafkaClient, copied: CopiedTopics): Promise<void> {
  const ends = await endsOf(client, copied.input, 'read_committed')
  for (;;) {
    const committed = await committedOffsets(client, copied)
    if (ends.every(({ partition, offset }) => (committed[partition] as number) >= offset)) return
    await sleep(200)
  }
}

/** Property 1. */
function checkOutputs(
  sent: ReadonlyMap<string, number>,
  outputs: readonly { readonly key: string; readonly partition: number; readonly value: ChaosOutput }[],
  guarantee: ChaosOptions['guarantee'],
  violations: string[]
): void {
  const counts = new Map<string, number[]>()
  for (const { key, value } of outputs) {
    const list = counts.get(key)
    if (list === undefined) counts.set(key, [value.count])
    else list.push(value.count)
  }
  for (const [key, total] of sent) {
    const list = counts.get(key) ?? []
    if (guarantee === 'exactly_once') {
      const wrong = list.findIndex((count, index) => count !== index + 1)
      if (wrong >= 0) violations.push(`1: output ${wrong + 1} of '${key}' is ${list[wrong]}`)
      else if (list.length !== total) violations.push(`1: '${key}' has ${list.length} outputs for ${total} inputs`)
    } else {
      const highest = list.reduce((most, count) => Math.max(most, count), 0)
      if (highest < total) violations.push(`1: '${key}' was sent ${total} times, and its highest count is ${highest}`)
    }
  }
  const inputs = new Set(outputs.map(({ partition, value }) => `${partition} ${value.inputOffset}`)).size
  if (inputs !== sumOf(sent)) violations.push(`1: ${inputs} of ${sumOf(sent)} inputs have an output`)
  for (const key of counts.keys()) if (!sent.has(key)) violations.push(`1: '${key}' was never sent`)
}

/** Property 2. The records of one interval were committed, and written between its two marks. */
function checkIntervals(
  marks: readonly number[],
  outputs: readonly { readonly timestampMs: number; readonly value: ChaosOutput }[],
  violations: string[]
): void {
  for (let i = 1; i < marks.length; i++) {
    const from = marks[i - 1] as number
    const to = marks[i] as number
    const workers = new Set<string>()
    for (const { timestampMs, value } of outputs)
      if (timestampMs >= from && timestampMs < to) workers.add(value.incarnation)
    if (workers.size < 2) violations.push(`2: interval ${i} has committed outputs of ${workers.size} workers only`)
  }
}

/** Property 4. */
async function checkStores(
  options: ChaosOptions,
  applicationId: string,
  input: string,
  output: string,
  stateDir: string,
  expected: ReadonlyMap<string, number>,
  disk: string,
  violations: string[]
): Promise<void> {
  await using app = new Millrace(chaosTopology(input, output, 'check'), {
    applicationId,
    brokers: [options.brokers],
    stateDir,
    processingGuarantee: options.guarantee,
    handleSignals: false
  })
  await app.start()
  const found = new Map<string, number>()
  const counts = app.store<ReadOnlyKeyValueStore<string, ValueAndTimestamp<number>>>('counts')
  for await (const { key, value } of counts.all()) found.set(key, value.value)
  let wrong = 0
  for (const [key, count] of expected) if (found.get(key) !== count) wrong++
  if (wrong > 0 || found.size !== expected.size) {
    violations.push(
      `4: the store on the ${disk} differs from its changelog in ${wrong} of ${expected.size} keys (it has ${found.size})`
    )
  }
}

function sumOf(counts: ReadonlyMap<unknown, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1)
  return counts
}
