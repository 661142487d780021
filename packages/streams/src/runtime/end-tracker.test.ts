import { expect, test } from 'vitest'
import type { KafkaAdmin, TopicPartition } from '../ports/index.ts'
import {
  INTERNAL_PREFIX,
  type NodeSpec,
  type SinkNodeSpec,
  type SubTopology,
  type Topology
} from '../topology/index.ts'
import { EndTracker } from './end-tracker.ts'
import { planTopics } from './topic-plan.ts'

const HOP = 'hop-repartition'

/** A source for each line of `flows`, that leads through a processor into a repartition topic, or nowhere. */
function subTopology(id: number, flows: readonly (readonly [from: string, to?: string])[]): SubTopology {
  const internal = (topic: string) => (topic === 'input' ? topic : `${INTERNAL_PREFIX}${topic}`)
  const nodes = flows.flatMap(([from, to], at): NodeSpec[] => {
    const sink = to === undefined ? [] : [{ kind: 'sink', name: `sink-${at}`, topic: internal(to) } as SinkNodeSpec]
    return [
      { kind: 'source', name: `source-${at}`, topics: [internal(from)], children: [`processor-${at}`] } as never,
      { kind: 'processor', name: `processor-${at}`, children: sink.map(({ name }) => name) } as never,
      ...sink
    ]
  })
  return {
    id,
    nodes,
    stores: [],
    sourcePatterns: [],
    copartitionGroups: [],
    sourceTopics: flows.map(([from]) => internal(from)),
    sinkTopics: flows.flatMap(([, to]) => (to === undefined ? [] : [internal(to)])),
    repartitionSources: flows
      .filter(([from]) => from !== 'input')
      .map(([suffix]) => ({ suffix, partitionCount: undefined }))
  }
}

const topology = (...subTopologies: SubTopology[]): Topology => ({
  subTopologies,
  globalSubTopologies: [],
  describe: () => ''
})

/** input → hop → output, one partition each. */
const TWO_LEVELS = topology(subTopology(0, [['input', HOP]]), subTopology(1, [[HOP]]))

/** input → there, in the other sub-topology → back, into the first one: as a foreign-key join does. */
const THERE_AND_BACK = topology(subTopology(0, [['input', 'there'], ['back']]), subTopology(1, [['there', 'back']]))

/** One log per topic. `stable` is where the records end whose transactions are marked as ended, as a partition sees it. */
class Brokers {
  readonly logs = new Map<string, { end: number; stable: number; committed: number }>()

  tracker(topology = TWO_LEVELS): EndTracker {
    const admin = {
      listOffsets: async (partitions: readonly (TopicPartition & { at: unknown })[], isolation: string) =>
        partitions.map(({ topic, partition, at }) => {
          const log = this.#log(topic)
          const latest = isolation === 'read_committed' ? log.stable : log.end
          return { topic, partition, offset: at === 'latest' ? latest : 0 }
        }),
      fetchOffsets: async (_groupId: string, partitions: readonly TopicPartition[]) =>
        partitions.map(({ topic, partition }) => ({
          topic,
          partition,
          offset: this.#log(topic).committed,
          metadata: ''
        }))
    }
    const plan = planTopics(topology, 'app', new Map([['input', 1]]))
    return new EndTracker(admin as unknown as KafkaAdmin, 'app', topology, plan)
  }

  set(topic: string, end: number, committed: number, stable = end): void {
    this.logs.set(topic, { end, stable, committed })
  }

  #log(topic: string) {
    return this.logs.get(topic) ?? { end: 0, stable: 0, committed: -1 }
  }
}

test('is done when the inputs, and then what follows from them, are committed', async () => {
  const brokers = new Brokers()
  brokers.set('input', 10, 0)
  const tracker = brokers.tracker()
  await tracker.start()
  expect(await tracker.check()).toBe(false)

  brokers.set('input', 15, 10) // five came later: they do not count
  brokers.set(`app-${HOP}`, 8, 3)
  expect(await tracker.check()).toBe(false)
  expect(tracker.target(`app-${HOP}`, 0)).toBe(8)

  brokers.set(`app-${HOP}`, 8, 8)
  expect(await tracker.check()).toBe(true)
})

test('counts records whose transaction is committed but not yet marked so in the partition', async () => {
  const brokers = new Brokers()
  brokers.set('input', 10, 10)
  brokers.set(`app-${HOP}`, 8, 5, 5)
  const tracker = brokers.tracker()
  await tracker.start()
  expect(await tracker.check()).toBe(false)
  expect(tracker.target(`app-${HOP}`, 0)).toBe(8)
})

test('follows records to another sub-topology and back into the one they came from', async () => {
  const brokers = new Brokers()
  brokers.set('input', 10, 0)
  const tracker = brokers.tracker(THERE_AND_BACK)
  await tracker.start()
  // Nothing came back yet, and nothing has been sent there.
  expect(await tracker.check()).toBe(false)

  brokers.set('input', 10, 10)
  brokers.set('app-there', 10, 4)
  brokers.set('app-back', 4, 4)
  expect(await tracker.check()).toBe(false)
  expect(tracker.target('app-there', 0)).toBe(10)

  brokers.set('app-there', 10, 10)
  brokers.set('app-back', 10, 9)
  expect(await tracker.check()).toBe(false)
  expect(tracker.target('app-back', 0)).toBe(10)

  brokers.set('app-back', 10, 10)
  expect(await tracker.check()).toBe(true)
})

test('has nothing to wait for in empty topics', async () => {
  const tracker = new Brokers().tracker()
  await tracker.start()
  expect(await tracker.check()).toBe(true)
})
