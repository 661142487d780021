import type { GroupAssignor } from '../../ports/index.ts'
import { assignTasks } from './assign-tasks.ts'
import type { TaskInputs } from './group-state.ts'
import { encodeTaskData } from './task-data.ts'

export interface TaskAssignorOptions {
  /** Source topics of each sub-topology with their partition counts. As a function it is asked in the leader at each rebalance. */
  readonly inputs: TaskInputs | (() => Promise<TaskInputs>)
  /** Stable across restarts of this process. */
  readonly processName: string
  /** Tasks that have state here: their ids, or, better, the sum of the offsets up to which each is restored. Asked at each join. */
  readonly storedTasks: () => Iterable<string> | ReadonlyMap<string, number>
  /** Told in the leader, at each rebalance, of topics that others read and it does not, sorted: it assigns them to nobody. */
  readonly onForeignTopics?: (topics: readonly string[]) => void
}

/** Equal in all members of an application. A change that old members would not understand needs a new name. */
const NAME = 'millrace-sticky-1'

/**
 * Assigns tasks, that is, all partitions of a task together: balanced, sticky, to where their state is.
 *
 * A task that another member still holds is left out until that member has given it up (KIP-429): so a rebalance in which something
 * moves is followed by a second one.
 */
export function createTaskAssignor(options: TaskAssignorOptions): GroupAssignor {
  const { inputs, processName, storedTasks, onForeignTopics } = options
  return {
    name: NAME,
    userData: () => encodeTaskData({ processName, tasks: offsetSums(storedTasks()) }),
    assign: async members => {
      const known = typeof inputs === 'function' ? await inputs() : inputs
      const foreign = new Set(members.flatMap(({ topics }) => topics))
      for (const topics of known.values()) for (const topic of topics.keys()) foreign.delete(topic)
      if (foreign.size > 0) onForeignTopics?.([...foreign].sort())
      return assignTasks(known, members, processName)
    }
  }
}

function offsetSums(stored: Iterable<string> | ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  if (stored instanceof Map) return stored as ReadonlyMap<string, number>
  return new Map([...(stored as Iterable<string>)].map(taskId => [taskId, 0]))
}
