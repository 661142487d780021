import { expect, test } from 'vitest'
import type { KafkaAdmin, TopicPartition } from '../ports/index.ts'
import { INTERNAL_PREFIX, type SubTopology, type Topology } from '../topology/index.ts'
import { EndTracker } from './end-tracker.ts'
import { planTopics } from './topic-plan.ts'

const HOP = 'hop-repartition'

/** input → hop → output, one partition each. */
function twoLevels(): Topology {
  const none = { nodes: [], stores: [], sourcePatterns: [], repartitionSources: [], copartitionGroups: [] }
  const subTopologies: SubTopology[] = [
    { ...none, id: 0, sourceTopics: ['input'], sinkTopics: [`${INTERNAL_PREFIX}${HOP}`] },
    {
      ...none,
      id: 1,
      sourceTopics: [`${INTERNAL_PREFIX}${HOP}`],
      sinkTopics: [],
      repartitionSources: [{ suffix: HOP, partitionCount: undefined }]
    }
  ]
  return { subTopologies, globalSubTopologies: [], describe: () => '' }
}

/** One log per topic. `stable` is where the records end whose transactions are marked as ended, as a partition sees it. */
class Brokers {
  readonly logs = new Map<string, { end: number; stable: number; committed: number }>()

  tracker(): EndTracker {
    const topology = twoLevels()
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

test('has nothing to wait for in empty topics', async () => {
  const tracker = new Brokers().tracker()
  await tracker.start()
  expect(await tracker.check()).toBe(true)
})
