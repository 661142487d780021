import { MockClock } from '@millrace/testing'
import { expect, test } from 'vitest'
import { StreamsError } from '../core/index.ts'
import { type GroupMetadata, type RecordProducer, SILENT_LOGGER } from '../ports/index.ts'
import { Committer } from './committer.ts'
import type { Task } from './task/task.ts'

const OLD: GroupMetadata = { groupId: 'app', generationId: 5, memberId: 'member', groupInstanceId: undefined }
const task = {
  commitNeeded: true,
  prepareCommit: async () => [],
  commitSucceeded: async () => {}
} as unknown as Task

/** A commit that the group refuses under generation 5; `group.metadata` is what the member knows. */
async function refused({ rebalancing = true, stoppedBeforeMs = 0 } = {}) {
  const clock = new MockClock()
  const group = {
    metadata: OLD as GroupMetadata | undefined,
    rebalancing,
    rejoins: 0,
    rejoin: () => void group.rejoins++
  }
  const generations: number[] = []
  const producer = {
    commit: async (_offsets: unknown, { generationId }: GroupMetadata) => {
      generations.push(generationId)
      if (generationId === 5) throw new StreamsError('TASK_MIGRATED', 'The generation is over.')
    }
  } as unknown as RecordProducer
  const committer = new Committer({ clock, producer, group, logger: SILENT_LOGGER })
  if (stoppedBeforeMs > 0) {
    committer.stop()
    clock.advance(stoppedBeforeMs)
  }
  const finish = await committer.prepare([task])
  const result = (finish as () => Promise<void>)().then(
    () => 'done',
    (error: { code: string }) => error.code
  )
  await settle()
  return { clock, group, committer, generations, result }
}

async function settle(): Promise<void> {
  await new Promise(resolve => void setImmediate(resolve))
}

test('is repeated under the next generation, of which it is told', async () => {
  const { group, committer, generations, result } = await refused()
  group.metadata = { ...OLD, generationId: 6 }
  committer.generationChanged()
  expect(await result).toBe('done')
  expect(generations).toEqual([5, 6])
})

test('notices within a second that membership is lost, when nobody can tell it', async () => {
  const { clock, group, result } = await refused()
  group.metadata = undefined
  clock.advance(1_000)
  expect(await result).toBe('TASK_MIGRATED')
})

test('notices within a second that there is a next generation, when nobody can tell it', async () => {
  const { clock, group, generations, result } = await refused()
  group.metadata = { ...OLD, generationId: 6 }
  clock.advance(1_000)
  expect(await result).toBe('done')
  expect(generations).toEqual([5, 6])
})

test('gives up after a minute without a next generation', async () => {
  const { clock, result } = await refused()
  for (let i = 0; i < 121; i++) {
    clock.advance(500)
    await settle()
  }
  expect(await result).toBe('TASK_MIGRATED')
})

test('asks the member to join anew, once, when it knows of no rebalance', async () => {
  const { clock, group, result } = await refused({ rebalancing: false })
  expect(group.rejoins).toBe(1)
  clock.advance(1_000)
  await settle()
  expect(group.rejoins).toBe(1)
  group.metadata = { ...OLD, generationId: 6 }
  clock.advance(1_000)
  expect(await result).toBe('done')
})

test('leaves a member alone that is joining already', async () => {
  const { clock, group } = await refused()
  clock.advance(1_000)
  await settle()
  expect(group.rejoins).toBe(0)
})

test('gives up within seconds when the application is closing', async () => {
  const { clock, committer, result } = await refused()
  let outcome: string | undefined
  void result.then(given => {
    outcome = given
  })
  committer.stop()
  for (let i = 0; i < 9; i++) {
    await settle()
    clock.advance(500)
  }
  await settle()
  expect(outcome).toBeUndefined()
  clock.advance(500)
  expect(await result).toBe('TASK_MIGRATED')
})

test('is repeated under the next generation also when the application is closing', async () => {
  const { group, committer, result } = await refused()
  committer.stop()
  await settle()
  group.metadata = { ...OLD, generationId: 6 }
  committer.generationChanged()
  expect(await result).toBe('done')
})

test('has its seconds, and asks to join anew, also when it is refused long after the application began to close', async () => {
  const { clock, group, result } = await refused({ rebalancing: false, stoppedBeforeMs: 10_000 })
  expect(group.rejoins).toBe(1)
  group.metadata = { ...OLD, generationId: 6 }
  clock.advance(1_000)
  expect(await result).toBe('done')
})
