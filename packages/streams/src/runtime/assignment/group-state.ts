import type { AssignorMember, TopicPartition } from '../../ports/index.ts'
import { taskIdOf } from '../task-id.ts'
import { decodeTaskData } from './task-data.ts'

/** Source topics of each sub-topology, with their partition counts. */
export type TaskInputs = ReadonlyMap<number, ReadonlyMap<string, number>>

/** A task: one partition of each source topic of a sub-topology that has so many. */
export interface AssignableTask {
  readonly id: string
  readonly subTopologyId: number
  readonly partition: number
  readonly topics: readonly string[]
}

/** A member as the assignment sees it. */
export interface Candidate {
  readonly memberId: string
  readonly processName: string
  readonly topics: ReadonlySet<string>
  /** Restored offset sums by task id. */
  readonly stored: ReadonlyMap<string, number>
}

/** Sub-topologies ascending, partitions ascending. */
export function tasksOf(inputs: TaskInputs): AssignableTask[] {
  const tasks: AssignableTask[] = []
  for (const [subTopologyId, counts] of [...inputs].sort(([a], [b]) => a - b)) {
    const taskCount = Math.max(0, ...counts.values())
    const names = [...counts.keys()].sort()
    for (let partition = 0; partition < taskCount; partition++) {
      tasks.push({
        id: taskIdOf(subTopologyId, partition),
        subTopologyId,
        partition,
        topics: names.filter(topic => (counts.get(topic) as number) > partition)
      })
    }
  }
  return tasks
}

/** In an order that depends on names alone, so that every leader comes to the same result. */
export function candidatesOf(members: readonly AssignorMember[]): Candidate[] {
  return members
    .map(({ memberId, topics, userData }) => {
      const data = decodeTaskData(userData)
      return {
        memberId,
        processName: data?.processName ?? memberId,
        topics: new Set(topics),
        stored: data?.tasks ?? new Map<string, number>()
      }
    })
    .sort((a, b) => compare(a.processName, b.processName) || compare(a.memberId, b.memberId))
}

/**
 * By partition, who holds it: those whose claim is of the newest generation. An older claim comes from a member that missed a
 * rebalance, in which the partition went to another. Two claims of one generation contradict each other; both are kept, and both must give it up.
 */
export function holdersOf(members: readonly AssignorMember[]): ReadonlyMap<string, readonly string[]> {
  const claims = new Map<string, { generationId: number; memberIds: string[] }>()
  for (const { memberId, generationId, owned } of members) {
    for (const partition of owned) {
      const key = keyOf(partition)
      const known = claims.get(key)
      if (known === undefined || known.generationId < generationId) {
        claims.set(key, { generationId, memberIds: [memberId] })
      } else if (known.generationId === generationId) known.memberIds.push(memberId)
    }
  }
  return new Map([...claims].map(([key, { memberIds }]) => [key, memberIds]))
}

/** The holder of most of the task's partitions, in doubt the one with more state; undefined when nobody holds any. */
export function ownerOf(
  task: AssignableTask,
  holders: ReadonlyMap<string, readonly string[]>,
  candidates: readonly Candidate[]
): Candidate | undefined {
  const counts = new Map<string, number>()
  for (const topic of task.topics) {
    for (const memberId of holders.get(keyOf({ topic, partition: task.partition })) ?? []) {
      counts.set(memberId, (counts.get(memberId) ?? 0) + 1)
    }
  }
  if (counts.size === 0) return undefined
  let owner: Candidate | undefined
  let best = Number.NEGATIVE_INFINITY
  for (const candidate of candidates) {
    const count = counts.get(candidate.memberId)
    if (count === undefined) continue
    const stored = candidate.stored.get(task.id)
    // The fraction stays below one: it decides between equal counts only.
    const score = count + (stored === undefined ? 0 : 1 - 1 / (2 + stored))
    if (score > best) {
      best = score
      owner = candidate
    }
  }
  return owner
}

/** Whether nobody but `memberId` holds a partition of the task. A task moves as a whole or not at all. */
export function isFreeFor(
  memberId: string,
  task: AssignableTask,
  holders: ReadonlyMap<string, readonly string[]>
): boolean {
  return task.topics.every(topic =>
    (holders.get(keyOf({ topic, partition: task.partition })) ?? []).every(holder => holder === memberId)
  )
}

export function partitionsOf({ topics, partition }: AssignableTask): TopicPartition[] {
  return topics.map(topic => ({ topic, partition }))
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
