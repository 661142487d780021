import { MockClock } from '@millrace/testing'
import { beforeEach, describe, expect, test } from 'vitest'
import { StreamsError } from '../core/index.ts'
import {
  type KafkaClient,
  type PartitionReader,
  type RawStoreProvider,
  type RecordProducer,
  SILENT_LOGGER,
  type TopicPartition
} from '../ports/index.ts'
import { MemoryRawStore } from '../state/index.ts'
import { storeSpec, text } from '../state/test-support/state-fixture.ts'
import { type Topology, TopologyBuilder } from '../topology/index.ts'
import { Restorer } from './restorer.ts'
import { resolveConfig } from './resolve-config.ts'
import { TaskOpener, type TaskStart } from './task-opener.ts'
import { TaskOpenings } from './task-openings.ts'
import { changelogReader } from './test-support/changelog-reader.ts'
import type { TopicPlan } from './topic-plan.ts'

/** The state of all tasks, in memory; tells what is done with it. */
class Stores {
  readonly raws = new Map<string, MemoryRawStore>()
  readonly events: string[] = []

  readonly provider = {
    open: async (taskId: string) => {
      this.events.push(`open ${taskId}`)
      const raw = this.raws.get(taskId) ?? new MemoryRawStore()
      this.raws.set(taskId, raw)
      const store = Object.create(raw) as MemoryRawStore
      store.close = async () => void this.events.push(`close ${taskId}`)
      return { store, fresh: false }
    },
    destroy: async (taskId: string) => {
      this.events.push(`destroy ${taskId}`)
      this.raws.delete(taskId)
    }
  } as unknown as RawStoreProvider
}

let stores: Stores
let topology: Topology
let ends: Map<string, number>
/** Changelogs whose records do not arrive. */
let silent: Set<string>
/** Called before each read of a changelog. */
let onRead: () => void
let onFetchOffsets: () => Promise<void>

beforeEach(() => {
  stores = new Stores()
  const serdes = { key: text, value: text }
  topology = new TopologyBuilder()
    .addSource('in', { topics: ['input'], ...serdes })
    .addProcessor('p', () => ({ process: () => {} }), ['in'])
    .addStateStore(storeSpec('rows', 'key-value', { value: text }), ['p'])
    .build()
  ends = new Map()
  silent = new Set()
  onRead = () => {}
  onFetchOffsets = async () => {}
})

function plan(...topics: string[]): TopicPlan {
  return { inputs: new Map([[0, new Map(topics.map(topic => [topic, 3]))]]), repartitionTopics: [] } as never
}

/** A changelog of as many records as `ends` says. */
function openChangelog({ topic, partition }: TopicPartition, start: number): PartitionReader {
  const name = `${topic}-${partition}`
  return changelogReader(start, silent.has(name) ? 0 : (ends.get(name) ?? 0), () => onRead())
}

function open() {
  const clock = new MockClock()
  const wait = () => new Promise<void>(resolve => void setImmediate(resolve))
  const client = {
    admin: {
      fetchOffsets: async (_group: string, inputs: readonly TopicPartition[]) => {
        await onFetchOffsets()
        return inputs.map(input => ({ ...input, offset: 5, metadata: '' }))
      },
      listOffsets: async (asked: readonly (TopicPartition & { at: string })[]) =>
        asked.map(({ topic, partition, at }) => ({
          topic,
          partition,
          offset: at === 'latest' ? (ends.get(`${topic}-${partition}`) ?? 0) : 0
        }))
    },
    createFetcher: () => ({ add: openChangelog, remove: () => {}, wait, close: async () => {} })
  } as unknown as KafkaClient
  const eventLoop = { nextTurn: wait, holdOpen: () => () => {} }
  const common = { client, clock, logger: SILENT_LOGGER }
  const opener = new TaskOpener({
    ...common,
    config: resolveConfig({ applicationId: 'app', autoOffsetReset: 'none' }),
    topology,
    stores: stores.provider,
    restorer: new Restorer({
      ...common,
      eventLoop,
      listener: {},
      fetching: { isolation: 'read_committed', maxBufferedBytes: 1 }
    }),
    processName: 'process',
    plan: plan('input'),
    globalStores: () => new Map()
  })
  const producer = { topic: async () => ({ ackedEndOffset: () => -1 }) } as unknown as RecordProducer
  return { opener, clock, openings: new TaskOpenings({ opener, producer, logger: SILENT_LOGGER, onNews: () => {} }) }
}

async function passUntil(clock: MockClock, condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    if (turn > 1000) throw new Error('nothing came of it')
    await new Promise(resolve => void setImmediate(resolve))
    clock.advance(10)
  }
}

/** Takes what gets ready, until there are so many. */
async function take(openings: TaskOpenings, count: number): Promise<TaskStart[]> {
  const starts: TaskStart[] = []
  for (let turn = 0; starts.length < count; turn++) {
    if (turn > 1000) throw new Error(`only ${starts.length} of ${count} tasks are ready`)
    await new Promise(resolve => void setImmediate(resolve))
    for (const { ready } of openings.take()) if (ready !== undefined) starts.push(ready)
  }
  return starts
}

test('state of another layout is deleted and restored from the changelogs', async () => {
  const old = new MemoryRawStore()
  await old.write([{ key: Buffer.from('\0f'), value: Buffer.of(99) }])
  stores.raws.set('0_0', old)
  ends.set('app-rows-changelog-0', 3)
  const { openings } = open()
  openings.open(['0_0'])
  const [start] = await take(openings, 1)
  expect(stores.events).toEqual(['open 0_0', 'close 0_0', 'destroy 0_0', 'open 0_0'])
  const rows = start?.task.state.stores.get('rows') as unknown as { get(key: string): string | undefined }
  expect(rows.get('k')).toBe('v')
})

test('state of a layout that stays unknown is an error, not an endless rebuilding', async () => {
  const { openings } = open()
  const { provider } = stores
  provider.open = async () => {
    stores.events.push('open')
    throw new StreamsError('STATE_FORMAT_UNKNOWN', 'Never seen.')
  }
  openings.open(['0_0'])
  await expect(take(openings, 1)).rejects.toMatchObject({ code: 'STATE_FORMAT_UNKNOWN' })
  expect(stores.events).toEqual(['open', 'destroy 0_0', 'open'])
})

test('a task begins with the inputs that were planned when its opening began', async () => {
  const { opener, openings } = open()
  ends.set('app-rows-changelog-0', 3)
  onRead = () => {
    opener.plan = plan('input', 'new')
  }
  openings.open(['0_0'])
  const [start] = await take(openings, 1)
  expect(start?.inputs.map(({ topic, offset }) => [topic, offset])).toEqual([['input', 5]])
})

describe('serdes that have to ask somebody', () => {
  const away = () => new StreamsError('REGISTRY_UNAVAILABLE', 'It is away.')

  function withSerde(prepare: () => Promise<void>) {
    const value = { ...text, prepare }
    topology = new TopologyBuilder()
      .addSource('in', { topics: ['input'], key: text, value })
      .addProcessor('p', () => ({ process: () => {} }), ['in'])
      .build()
  }

  test('are asked after the committed offsets, as often as it takes, once for all tasks of a sub-topology', async () => {
    const events: string[] = []
    onFetchOffsets = async () => void events.push('offsets')
    withSerde(async () => {
      events.push('prepare')
      if (events.length < 4) throw away()
    })
    const { openings, clock } = open()
    openings.open(['0_0', '0_1'])
    await passUntil(clock, () => openings.taskIds.length === 2 && events.length === 4)
    expect(await take(openings, 2)).toHaveLength(2)
    expect(events).toEqual(['offsets', 'prepare', 'prepare', 'prepare'])
  })

  test('end the opening by what is not passing', async () => {
    withSerde(async () => {
      throw new StreamsError('SCHEMA_INCOMPATIBLE', 'It does not fit.')
    })
    const { openings } = open()
    openings.open(['0_0'])
    await expect(take(openings, 1)).rejects.toMatchObject({ code: 'SCHEMA_INCOMPATIBLE' })
  })

  test('keep no cancelled opening waiting, though they answer nothing at all', async () => {
    withSerde(() => new Promise(() => {}))
    const { openings, clock } = open()
    openings.open(['0_0', '0_1'])
    let ended = false
    void openings
      .cancel(({ taskId }) => taskId === '0_1')
      .then(() => {
        ended = true
      })
    await passUntil(clock, () => ended)
    expect(openings.taskIds).toEqual(['0_0'])
  })
})

describe('a cancelled opening ends', () => {
  /** Cancels 0_1 of 0_0 and 0_1; resolves when it has ended. 0_0 is never restored. */
  async function cancel(openings: TaskOpenings): Promise<void> {
    await openings.cancel(({ taskId }) => taskId === '0_1')
  }
  test('while it is restored, though others go on being restored', async () => {
    for (const name of ['app-rows-changelog-0', 'app-rows-changelog-1']) {
      ends.set(name, 1)
      silent.add(name)
    }
    const reading = new Promise<void>(resolve => {
      onRead = resolve
    })
    const { openings } = open()
    openings.open(['0_0', '0_1'])
    await reading
    await cancel(openings)
    expect(stores.events).toContain('close 0_1')
    expect(openings.taskIds).toEqual(['0_0'])
    await openings.cancel(() => true)
  })

  test('before its state is opened, though others go on being restored', async () => {
    ends.set('app-rows-changelog-0', 1)
    silent.add('app-rows-changelog-0')
    const { openings } = open()
    openings.open(['0_0', '0_1'])
    await cancel(openings)
    expect(stores.events).not.toContain('open 0_1')
    await openings.cancel(() => true)
  })

  test('while the offsets of others are not stable, and nothing is asked of its inputs', async () => {
    let isStable = false
    onFetchOffsets = async () => {
      await new Promise(resolve => void setImmediate(resolve))
      if (!isStable) throw new StreamsError('GROUP_OFFSETS_UNSTABLE', 'A transaction is open.')
    }
    const { openings } = open()
    openings.open(['0_0', '0_1'])
    await new Promise(resolve => void setImmediate(resolve))
    await cancel(openings)
    isStable = true
    expect(await take(openings, 1)).toHaveLength(1)
  })

  test('when it is cancelled in the moment in which it becomes ready', async () => {
    ends.set('app-rows-changelog-1', 1)
    const { openings } = open()
    let cancelled: Promise<void> | undefined
    onRead = () => {
      cancelled ??= cancel(openings)
    }
    openings.open(['0_1'])
    while (cancelled === undefined) await new Promise(resolve => void setImmediate(resolve))
    await cancelled
    expect(stores.events).toEqual(['open 0_1', 'close 0_1'])
  })
})
