import { MockClock } from '@millrace/testing'
import { expect, test } from 'vitest'
import { StreamsError } from '../core/index.ts'
import { type PartitionReader, SILENT_LOGGER, type TopicPartition } from '../ports/index.ts'
import { openTaskState } from '../state/open-task-state.ts'
import { MemoryDisk, storeSpec } from '../state/test-support/state-fixture.ts'
import type { TaskState } from '../state/index.ts'
import type { RecordsToRestore } from '../state/task-state.ts'
import { type ChangelogClient, Restorer, type TaskToRestore } from './restorer.ts'
import { changelogReader } from './test-support/changelog-reader.ts'
import { type ListedRecord, listedReader } from './test-support/listed-reader.ts'

const RECORDS = 3

/** A task whose write ends when the test says so. */
function slowTask(partition: number) {
  const calls: string[] = []
  let end: { resolve: () => void; reject: (error: Error) => void } | undefined
  const state = {
    checkpoints: new Map(),
    restore: (_: string, records: RecordsToRestore) => {
      while (records.next()) calls.push('restore')
      calls.push('write')
      return new Promise<void>((resolve, reject) => {
        end = { resolve, reject }
      })
    }
  } as unknown as TaskState
  const stores = [{ storeName: 'rows', topic: 'rows-changelog', partition, endLimit: undefined }]
  const task: TaskToRestore = { taskId: `0_${partition}`, state, stores, cancelled: false }
  return {
    task,
    calls,
    get end() {
      if (end === undefined) throw new Error('nothing is being written')
      return end
    },
    get isWriting() {
      return end !== undefined
    }
  }
}

function restore(
  tasks: readonly TaskToRestore[],
  add: (partition: TopicPartition, start: number) => PartitionReader = (_, start) => changelogReader(start, RECORDS),
  end = RECORDS
) {
  const turn = () => new Promise<void>(resolve => void setImmediate(resolve))
  const told: string[] = []
  const client = {
    admin: {
      listOffsets: async (asked: readonly (TopicPartition & { at: string })[]) =>
        asked.map(({ topic, partition, at }) => ({ topic, partition, offset: at === 'latest' ? end : 0 }))
    },
    createFetcher: () => ({
      add,
      remove: () => {},
      wait: turn,
      close: async () => {}
    })
  } as unknown as ChangelogClient
  const restorer = new Restorer({
    client,
    clock: new MockClock(),
    eventLoop: { nextTurn: turn, holdOpen: () => () => {} },
    logger: SILENT_LOGGER,
    listener: {},
    fetching: { isolation: 'read_committed', maxBufferedBytes: 1 }
  })
  const outcome = restorer
    .restore(tasks, {
      onReady: ({ taskId }) => void told.push(`ready ${taskId}`),
      onCancelled: async ({ taskId }) => void told.push(`cancelled ${taskId}`)
    })
    .then(
      () => void told.push('restored'),
      (error: Error) => void told.push(`failed: ${error.message}`)
    )
  return { told, outcome }
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    if (turn > 1000) throw new Error('nothing came of it')
    await new Promise(resolve => void setImmediate(resolve))
  }
}

test('goes on with other tasks while one writes to its disk', async () => {
  const [first, second] = [slowTask(0), slowTask(1)]
  const { told, outcome } = restore([first.task, second.task])
  await until(() => first.isWriting && second.isWriting)
  second.end.resolve()
  await until(() => told.length > 0)
  expect(told).toEqual(['ready 0_1'])
  expect(first.calls).toEqual(['restore', 'restore', 'restore', 'write'])
  first.end.resolve()
  await outcome
  expect(told).toEqual(['ready 0_1', 'ready 0_0', 'restored'])
})

test('tells of a cancelled task when its write has ended', async () => {
  const first = slowTask(1)
  const { told, outcome } = restore([first.task])
  await until(() => first.isWriting)
  first.task.cancelled = true
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => void setImmediate(resolve))
  expect(told).toEqual([])
  first.end.resolve()
  await outcome
  expect(told).toEqual(['cancelled 0_1', 'restored'])
})

test('fails with the first write that fails, and not before the others have ended', async () => {
  const [first, second] = [slowTask(0), slowTask(1)]
  const { told, outcome } = restore([first.task, second.task])
  await until(() => first.isWriting && second.isWriting)
  first.end.reject(new Error('the disk is full'))
  for (let turn = 0; turn < 10; turn++) await new Promise(resolve => void setImmediate(resolve))
  expect(told).toEqual([])
  second.end.resolve()
  await outcome
  expect(told).toEqual(['failed: the disk is full'])
})

test.each(['timestamped-key-value', 'timestamped-window'] as const)(
  'begins a %s store anew, with nothing of before, when the log start overtakes the reading',
  async kind => {
    const raw = new MemoryDisk().open()
    const spec = storeSpec('rows', kind)
    const state = await openTaskState({
      ...{ taskId: '0_0', specs: [spec], raw, cacheBytes: 0 },
      changelog: () => () => {},
      changelogTopic: () => 'rows-changelog'
    })
    const key = (name: string) => `${name}\0\0\0\0\0\0\0\x01\0\0\0\0`
    const records: ListedRecord[] = [
      { key: key('a'), value: '1' },
      { key: key('b'), value: '2' },
      // What was buffered is read before it is known.
      new StreamsError('CLIENT_OFFSET_OUT_OF_RANGE', 'Offset 2 is gone.', { details: { logStartOffset: 3 } }),
      { key: key('c'), value: '3' },
      { key: key('d'), value: '4' }
    ]
    const reader = listedReader(records) as PartitionReader & { moveTo(offset: number): void }
    const written: number[] = []
    const restoring = state.restore.bind(state)
    state.restore = async (name, slice) => {
      await restoring(name, slice)
      written.push(state.checkpoints.get('rows') as number)
    }
    const added: number[] = []
    const { told, outcome } = restore(
      [
        {
          taskId: '0_0',
          state,
          stores: [{ storeName: 'rows', topic: 't', partition: 0, endLimit: undefined }],
          cancelled: false
        }
      ],
      (_, start) => {
        added.push(start)
        reader.moveTo(start)
        return reader
      },
      records.length
    )
    await outcome
    expect(told).toEqual(['ready 0_0', 'restored'])
    expect([added, written]).toEqual([[0, 3], [5]])
    const keys: string[] = []
    for await (const row of raw.iterate({ from: Uint8Array.of(1) })) keys.push(Buffer.from(row.key).toString('latin1'))
    expect(keys.map(each => ['a', 'b', 'c', 'd'].filter(name => each.includes(name))).flat()).toEqual(['c', 'd'])
  }
)

test.each([
  ['CLIENT_LOG_TRUNCATED', { offset: 3, divergentOffset: 2 }],
  ['CLIENT_OFFSET_OUT_OF_RANGE', { offset: 3, logStartOffset: 0, highWatermark: 2 }]
] as const)('has the task opened anew when the log ends sooner than it did, after %s', async (code, details) => {
  const records: ListedRecord[] = [
    { key: 'a', value: '1' },
    { key: 'b', value: '2' },
    new StreamsError(code, 'Cut off.', { details }),
    { key: 'c', value: '3' }
  ]
  const cleared: string[] = []
  const state = {
    checkpoints: new Map(),
    clearStore: async (name: string) => void cleared.push(name),
    restore: async (_: string, given: RecordsToRestore) => {
      while (given.next());
    }
  } as unknown as TaskState
  const stores = [{ storeName: 'rows', topic: 't', partition: 0, endLimit: undefined }]
  const task = { taskId: '0_0', state, stores, cancelled: false }
  const { told, outcome } = restore([task], () => listedReader(records) as PartitionReader, records.length)
  await outcome
  expect(told).toEqual([
    expect.stringMatching(/^failed: t-0 has lost records .* \(TASK_CHANGELOG_OFFSET_OUT_OF_RANGE\)$/)
  ])
  expect(cleared).toEqual(['rows'])
})
