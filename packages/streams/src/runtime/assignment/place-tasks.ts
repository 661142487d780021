import type { AssignableTask, Candidate } from './group-state.ts'
import { type QuotaDemand, taskQuotas } from './task-quotas.ts'

/**
 * Chooses a member for each task: balanced as `taskQuotas` says; within that, tasks stay with their owners, and those that move go
 * to members that have their state. A task for which no member subscribes to all topics is left out.
 */
export function placeTasks(
  tasks: readonly AssignableTask[],
  candidates: readonly Candidate[],
  ownerOf: (task: AssignableTask) => Candidate | undefined
): ReadonlyMap<AssignableTask, Candidate> {
  const placed = new Map<AssignableTask, Candidate>()
  const groups = [...Map.groupBy(tasks, task => task.subTopologyId).values()]
  const quotas = taskQuotas(
    groups.map(group => demandOf(group, candidates, ownerOf)),
    candidates.length
  )
  groups.forEach((group, index) => {
    const left = new Map(candidates.map((candidate, member) => [candidate, quotas[index]?.[member] ?? 0]))
    placeGroup(group, candidates, ownerOf, left, placed)
  })
  return placed
}

function demandOf(
  group: readonly AssignableTask[],
  candidates: readonly Candidate[],
  ownerOf: (task: AssignableTask) => Candidate | undefined
): QuotaDemand {
  const topics = new Set(group.flatMap(task => task.topics))
  const wishes = new Map<number, { owned: number; claimed: number }>()
  candidates.forEach((candidate, member) => {
    if ([...topics].every(topic => candidate.topics.has(topic))) wishes.set(member, { owned: 0, claimed: 0 })
  })
  for (const task of group) {
    const owner = ownerOf(task)
    const claimant = owner ?? bestStored(task, candidates)
    if (claimant === undefined) continue
    const wish = wishes.get(candidates.indexOf(claimant))
    if (wish === undefined) continue
    wish.claimed++
    if (owner !== undefined) wish.owned++
  }
  return { taskCount: group.length, wishes }
}

function bestStored(task: AssignableTask, candidates: readonly Candidate[]): Candidate | undefined {
  let best: Candidate | undefined
  for (const candidate of candidates) {
    const sum = candidate.stored.get(task.id)
    if (sum !== undefined && sum > (best?.stored.get(task.id) ?? -1)) best = candidate
  }
  return best
}

/** `left` counts down how many tasks of the group each member may still get. */
function placeGroup(
  group: readonly AssignableTask[],
  candidates: readonly Candidate[],
  ownerOf: (task: AssignableTask) => Candidate | undefined,
  left: Map<Candidate, number>,
  placed: Map<AssignableTask, Candidate>
): void {
  const owned = Map.groupBy(group, ownerOf)
  const surplus = (candidate: Candidate): number =>
    (owned.get(candidate)?.length ?? 0) - (left.get(candidate) as number)
  const wanting = candidates.filter(candidate => surplus(candidate) < 0)
  const open: AssignableTask[] = [...(owned.get(undefined) ?? [])]
  const place = (task: AssignableTask, candidate: Candidate): void => {
    placed.set(task, candidate)
    left.set(candidate, (left.get(candidate) as number) - 1)
  }

  for (const candidate of candidates) {
    const tasks = owned.get(candidate) ?? []
    const keepCount = Math.min(tasks.length, left.get(candidate) as number)
    // An owner with too many gives up those that a member with room has the most state of.
    const byValueElsewhere = tasks
      .map(task => ({ task, elsewhere: Math.max(-1, ...wanting.map(other => other.stored.get(task.id) ?? -1)) }))
      .sort((a, b) => a.elsewhere - b.elsewhere || a.task.partition - b.task.partition)
    byValueElsewhere.forEach(({ task }, index) => {
      if (index < keepCount) place(task, candidate)
      else open.push(task)
    })
  }

  const stored = open
    .flatMap(task => wanting.map(candidate => ({ task, candidate, sum: candidate.stored.get(task.id) ?? -1 })))
    .filter(({ sum }) => sum >= 0)
    .sort((a, b) => b.sum - a.sum || a.task.partition - b.task.partition)
  for (const { task, candidate } of stored) {
    if (!placed.has(task) && (left.get(candidate) as number) > 0) place(task, candidate)
  }

  for (const task of open.sort((a, b) => a.partition - b.partition)) {
    if (placed.has(task)) continue
    const roomiest = candidates.reduce((best, each) =>
      (left.get(each) as number) > (left.get(best) as number) ? each : best
    )
    if ((left.get(roomiest) as number) > 0) place(task, roomiest)
  }
}
