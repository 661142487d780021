import { SILENT_LOGGER } from '@millrace/streams/ports'
import { MockClock } from '@millrace/testing'
import { expect, test } from 'vitest'
import { DEFAULT_BROKER_CONFIG } from '../broker-config.ts'
import { batchOf } from '../log/test-support/log-rig.ts'
import { type LogStorage, StorageError } from '../storage/log-storage.ts'
import { MemoryStorage } from '../storage/memory-storage.ts'
import { RecordedJournal } from '../test-support/recorded-journal.ts'
import { seededRandom } from '../test-support/seeded-random.ts'
import type { Topic } from './topic.ts'
import { Topics } from './topics.ts'

/** Memory that lasts over restarts, and may have no room for more logs. */
class Storage extends MemoryStorage {
  recorded = new RecordedJournal()
  roomForLogs = Infinity

  constructor() {
    super(1 << 20)
  }

  override journal(): RecordedJournal {
    return this.recorded
  }

  override openLog(topicId: string, partition: number): LogStorage {
    if (this.roomForLogs-- <= 0) throw new StorageError('The disk is full.')
    return super.openLog(topicId, partition)
  }
}

function started(storage = new Storage()): { readonly topics: Topics; readonly storage: Storage } {
  const parts = { config: DEFAULT_BROKER_CONFIG, clock: new MockClock(0), logger: SILENT_LOGGER, storage }
  const topics = new Topics({ ...parts, random: seededRandom(1) })
  topics.start()
  return { topics, storage }
}

function restarted({ storage }: { readonly storage: Storage }): Topics {
  storage.recorded = storage.recorded.reopened()
  return started(storage).topics
}

test.each<readonly [change: string, make: (topics: Topics, topic: Topic) => void]>([
  ['create', topics => topics.create('other', 2)],
  ['add partitions', (topics, topic) => topics.addPartitions(topic, 3)],
  ['configure', (topics, topic) => topics.configure(topic, new Map([['retention.ms', '5']]))],
  ['delete records', (topics, topic) => topics.deleteRecords(topic, 0, 1)],
  ['delete', (topics, topic) => topics.delete(topic)]
])('the change in whose course the journal is rewritten is in it: %s', (_change, make) => {
  const run = started()
  const topic = run.topics.create('t', 1)
  topic.partitions[0]?.append(batchOf([{}, {}], 0))
  run.storage.recorded.isLarge = true
  make(run.topics, topic)
  expect(run.storage.recorded.isLarge).toBe(false)
  const describe = (topics: Topics) =>
    Array.from(topics.all(), ({ name, id, settings, partitions }) => {
      return [name, id, [...settings], partitions.map(({ startOffset, endOffset }) => [startOffset, endOffset])]
    })
  const before = describe(run.topics)
  expect(describe(restarted(run))).toEqual(before)
})

test('a topic without room for all its logs is not made, and leaves nothing behind', () => {
  const run = started()
  run.storage.roomForLogs = 1
  expect(() => run.topics.create('t', 2)).toThrow(StorageError)
  expect(run.topics.byName('t')).toBeUndefined()
  expect(restarted(run).size).toBe(0)
  run.storage.roomForLogs = Infinity
  expect(run.topics.create('t', 2).partitions).toHaveLength(2)
})

test('a topic that cannot be written down is not made', () => {
  const run = started()
  run.storage.recorded.failsAfter = 0
  expect(() => run.topics.create('t', 1)).toThrow(StorageError)
  expect(run.topics.byName('t')).toBeUndefined()
  expect(restarted(run).size).toBe(0)
})

test('a topic without room for more logs keeps those it has', () => {
  const run = started()
  const topic = run.topics.create('t', 1)
  run.storage.roomForLogs = 1
  expect(() => run.topics.addPartitions(topic, 3)).toThrow(StorageError)
  expect(topic.partitions).toHaveLength(1)
  run.storage.recorded.failsAfter = 0
  run.storage.roomForLogs = Infinity
  expect(() => run.topics.addPartitions(topic, 3)).toThrow(StorageError)
  expect(topic.partitions).toHaveLength(1)
  expect(restarted(run).byName('t')?.partitions).toHaveLength(1)
})

test('what cannot be written down is not done: settings, deleted records, deletion', () => {
  const { topics, storage } = started()
  const topic = topics.create('t', 1)
  topic.partitions[0]?.append(batchOf([{}], 0))
  const refused = (act: () => void): void => {
    storage.recorded.failsAfter = 0
    expect(act).toThrow(StorageError)
  }
  refused(() => topics.configure(topic, new Map([['retention.ms', '5']])))
  expect([...topic.settings]).toEqual([])
  refused(() => topics.deleteRecords(topic, 0, 1))
  expect(topic.partitions[0]?.startOffset).toBe(0)
  refused(() => topics.delete(topic))
  expect(topics.byName('t')).toBe(topic)
})
