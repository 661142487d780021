import { isStreamsError } from '@millrace/streams/core'
import { expect, test } from 'vitest'
import { seededRandom } from '../group/test-support/virtual-clock.ts'
import type { Fault } from './test-support/fake-kafka.ts'
import { append, ProducerRig } from './test-support/producer-rig.ts'

// Where producer-faults.test.ts breaks one request, here anything may befall any, and whoever processes flushes, commits, aborts and
// resets when it likes.

const SEEDS = 400
const INPUTS = 100
const PARTITIONS = 4
const COORDINATOR_NOT_AVAILABLE = 15
const NOT_COORDINATOR = 16
const CONCURRENT_TRANSACTIONS = 51
const FAULTS: readonly Fault[] = [
  { kind: 'lost' },
  { kind: 'unanswered' },
  { kind: 'stalled' },
  { kind: 'duplicated' },
  { kind: 'code', code: COORDINATOR_NOT_AVAILABLE },
  { kind: 'code', code: NOT_COORDINATOR },
  { kind: 'code', code: CONCURRENT_TRANSACTIONS }
]
const EXPECTED = Array.from({ length: PARTITIONS }, (_, partition) =>
  Array.from({ length: INPUTS }, (_, i) => i)
    .filter(i => i % PARTITIONS === partition)
    .map(String)
)

test.each([1, 2] as const)('processes each input exactly once, transactions version %i', async version => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const rig = await randomRun(version, seed)
    expect(rig.visible(), `seed ${seed}`).toEqual(EXPECTED)
    expect(rig.kafka.group('g').committed.get('in-0'), `seed ${seed}`).toBe(INPUTS)
  }
})

async function randomRun(version: 1 | 2, seed: number): Promise<ProducerRig> {
  const random = seededRandom(seed * 2 + version)
  const below = (bound: number): number => Math.floor(random() * bound)
  const rig = new ProducerRig()
  const { kafka } = rig
  kafka.addTopic('out', PARTITIONS)
  rig.producer = await rig.create({
    transactionalId: 't',
    maxTransactionsVersion: version,
    batchBytes: 200,
    maxRequestBytes: 700
  })
  const { producer } = rig
  const appender = await rig.topic()
  const faultRate = [0.02, 0.1, 0.25][below(3)] as number
  kafka.fault = () => (random() < faultRate ? FAULTS[below(FAULTS.length)] : undefined)

  let position = 0
  let appended = 0
  const goBack = (): void => {
    appended = position = kafka.group('g').committed.get('in-0') ?? 0
  }
  const process = (end: number): void => {
    for (; appended < Math.min(end, INPUTS); appended++) append(appender, appended % PARTITIONS, String(appended))
  }
  for (let attempt = 0; position < INPUTS; attempt++) {
    if (attempt > 600) throw new Error(`seed ${seed}: no progress`)
    const startMs = rig.clock.monotonicMs()
    try {
      const end = Math.min(INPUTS, Math.max(position + 5 + below(25), appended))
      while (appended < end) {
        process(Math.min(end, appended + 1 + below(8)))
        const what = random()
        if (what < 0.25) producer.flush().catch(() => {})
        else if (what < 0.35) await rig.wait(producer.flush())
        else if (what < 0.5) await new Promise(resolve => setImmediate(resolve))
        else if (what < 0.6) await rig.wait(new Promise<void>(resolve => rig.clock.setTimer(below(30), resolve)))
      }
      const what = random()
      if (what < 0.12) {
        await rig.wait(what < 0.06 ? producer.abort() : producer.reset())
        // What was on its way may be so still.
        if (random() < 0.5) await rig.wait(random() < 0.5 ? producer.abort() : producer.reset())
        goBack()
        continue
      }
      const offset = appended
      const commit = producer.commit([{ topic: 'in', partition: 0, offset, metadata: '' }], member())
      commit.catch(() => {})
      if (random() < 0.6) process(appended + below(10))
      await rig.wait(commit)
      position = offset
    } catch (error) {
      if (!isStreamsError(error)) throw error
      await recover(rig, random)
      goBack()
    } finally {
      // It does not stand still until some time is over.
      expect(rig.clock.monotonicMs() - startMs, `seed ${seed}`).toBeLessThan(60_000)
    }
  }
  kafka.fault = () => undefined
  await rig.wait(producer.close())
  return rig
}

async function recover(rig: ProducerRig, random: () => number): Promise<void> {
  for (let attempt = 0; attempt < 60; attempt++) {
    try {
      await rig.wait(random() < 0.6 ? rig.producer.abort() : rig.producer.reset())
      return
    } catch (error) {
      if (!isStreamsError(error)) throw error
    }
  }
  throw new Error('The producer does not recover.')
}

function member() {
  return { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: undefined }
}
