import type { AssignorMember, AssignorResult, TopicPartition } from '../../ports/index.ts'
import { candidatesOf, holdersOf, isFreeFor, ownerOf, partitionsOf, type TaskInputs, tasksOf } from './group-state.ts'
import { placeTasks } from './place-tasks.ts'
import { encodeTaskData } from './task-data.ts'

/**
 * One round: where each task shall run, and what of that can be handed over now.
 *
 * The same members and inputs give the same result, in whatever order they come.
 *
 * @param leaderName Goes into the user data of each result, to be read in logs.
 */
export function assignTasks(
  inputs: TaskInputs,
  members: readonly AssignorMember[],
  leaderName: string
): ReadonlyMap<string, AssignorResult> {
  const candidates = candidatesOf(members)
  const holders = holdersOf(members)
  const placed = placeTasks(tasksOf(inputs), candidates, task => ownerOf(task, holders, candidates))

  const partitions = new Map(candidates.map(({ memberId }) => [memberId, [] as TopicPartition[]]))
  const meant = new Map(candidates.map(({ memberId }) => [memberId, new Map<string, number>()]))
  for (const [task, { memberId }] of placed) {
    meant.get(memberId)?.set(task.id, 0)
    if (isFreeFor(memberId, task, holders)) partitions.get(memberId)?.push(...partitionsOf(task))
  }
  return new Map(
    candidates.map(({ memberId }) => [
      memberId,
      {
        partitions: partitions.get(memberId) ?? [],
        userData: encodeTaskData({ processName: leaderName, tasks: meant.get(memberId) ?? new Map() })
      }
    ])
  )
}
