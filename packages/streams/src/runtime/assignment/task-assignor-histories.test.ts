import { describe, expect, it } from 'vitest'
import type { AssignorMember, TopicPartition } from '../../ports/index.ts'
import { assignTasks } from './assign-tasks.ts'
import { type TaskInputs, tasksOf } from './group-state.ts'
import { encodeTaskData } from './task-data.ts'

interface SimulatedMember {
  readonly memberId: string
  readonly processName: string
  owned: Set<string>
  generationId: number
}

/** Plays a group's life: each rebalance takes what the assignor says, gives up first, and takes the rest. */
class GroupHistory {
  readonly inputs = new Map<number, Map<string, number>>()
  members: SimulatedMember[] = []
  generationId = 0
  readonly random: () => number
  /** What must never happen, and did. */
  readonly violations: string[] = []
  /** Where each task's state was last. */
  readonly stored = new Map<string, Map<string, number>>()
  #nextMember = 0

  constructor(seed: number) {
    let state = seed + 1
    // Lehmer's generator: small, and good enough to choose events.
    this.random = () => {
      state = (state * 48_271) % 2_147_483_647
      return state / 2_147_483_647
    }
    const subTopologyCount = 1 + this.pick(3)
    for (let sub = 0; sub < subTopologyCount; sub++) {
      this.inputs.set(sub, new Map([[`t${sub}`, 1 + this.pick(6)]]))
      if (this.random() < 0.4) this.inputs.get(sub)?.set(`u${sub}`, 1 + this.pick(6))
    }
  }

  pick(count: number): number {
    return Math.floor(this.random() * count)
  }

  join(): void {
    const index = this.#nextMember++
    // Names return, as those of restarted processes do.
    const processName = `p${index % 4}`
    this.members.push({ memberId: `${this.pick(1000)}-m${index}`, processName, owned: new Set(), generationId: -1 })
  }

  leave(): void {
    if (this.members.length > 1) this.members.splice(this.pick(this.members.length), 1)
  }

  grow(): void {
    const topics = this.inputs.get(this.pick(this.inputs.size)) as Map<string, number>
    const [topic, count] = [...topics][this.pick(topics.size)] as [string, number]
    topics.set(topic, count + 1)
  }

  asMembers(): AssignorMember[] {
    const topics = [...this.inputs.values()].flatMap(each => [...each.keys()])
    return this.members.map(({ memberId, processName, owned, generationId }) => ({
      memberId,
      groupInstanceId: undefined,
      topics,
      userData: encodeTaskData({ processName, tasks: this.stored.get(processName) ?? new Map() }),
      owned: [...owned].map(parse),
      generationId
    }))
  }

  /** One rebalance. Returns whether something was given up, so that another must follow. */
  rebalance(): boolean {
    const asked = this.asMembers()
    const result = assignTasks(this.inputs, asked, 'leader')
    const shuffled = [...asked].sort(() => this.random() - 0.5)
    this.#require(text(assignTasks(this.inputs, shuffled, 'leader')) === text(result), 'the order of members matters')
    this.generationId++
    const before = new Map(this.members.flatMap(each => [...each.owned].map(key => [key, each.memberId])))
    let gaveUp = false
    for (const member of this.members) {
      const now = new Set((result.get(member.memberId)?.partitions ?? []).map(keyOf))
      for (const key of now) {
        const holder = before.get(key)
        this.#require(
          holder === undefined || holder === member.memberId,
          `${key} goes to ${member.memberId}, ${holder} holds it`
        )
      }
      if ([...member.owned].some(key => !now.has(key))) gaveUp = true
      member.owned = now
      member.generationId = this.generationId
    }
    const all = this.members.flatMap(each => [...each.owned])
    this.#require(new Set(all).size === all.length, 'a partition has two owners')
    for (const { id, topics, partition } of tasksOf(this.inputs)) {
      const holders = this.members.filter(each => topics.some(topic => each.owned.has(`${topic}/${partition}`)))
      const holder = holders[0]
      if (holder === undefined) continue
      const whole = topics.every(topic => holder.owned.has(`${topic}/${partition}`))
      this.#require(holders.length === 1 && whole, `task ${id} is torn apart`)
      let tasks = this.stored.get(holder.processName)
      if (tasks === undefined) {
        tasks = new Map()
        this.stored.set(holder.processName, tasks)
      }
      tasks.set(id, this.pick(1000))
    }
    return gaveUp
  }

  countsBy(subTopologyId: number | undefined): number[] {
    const tasks = tasksOf(this.inputs).filter(
      task => subTopologyId === undefined || task.subTopologyId === subTopologyId
    )
    return this.members.map(
      ({ owned }) => tasks.filter(({ topics, partition }) => owned.has(`${topics[0]}/${partition}`)).length
    )
  }

  requireBalancedAndComplete(): void {
    const partitionCount = tasksOf(this.inputs).reduce((sum, task) => sum + task.topics.length, 0)
    const ownedCount = this.members.reduce((sum, each) => sum + each.owned.size, 0)
    this.#require(ownedCount === partitionCount, `${ownedCount} of ${partitionCount} partitions are owned`)
    for (const sub of [undefined, ...this.inputs.keys()]) {
      const counts = this.countsBy(sub)
      this.#require(Math.max(...counts) - Math.min(...counts) <= 1, `sub-topology ${sub ?? 'all'}: ${counts.join(' ')}`)
    }
  }

  /** Once two rounds are over: nothing more moves. */
  requireRest(): void {
    const before = this.members.map(each => [...each.owned].sort(compareText).join())
    this.#require(!this.rebalance(), 'a further round takes something away')
    const after = this.members.map(each => [...each.owned].sort(compareText).join())
    this.#require(before.join(';') === after.join(';'), 'a further round gives something')
  }

  #require(holds: boolean, otherwise: string): void {
    if (!holds) this.violations.push(`generation ${this.generationId}: ${otherwise}`)
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

function parse(key: string): TopicPartition {
  const [topic, partition] = key.split('/') as [string, string]
  return { topic, partition: Number(partition) }
}

function text(result: ReturnType<typeof assignTasks>): string {
  return JSON.stringify([...result].sort(([a], [b]) => compareText(a, b)))
}

describe('over random histories of joins, leaves, crashes and growing topics', () => {
  it.each(Array.from({ length: 150 }, (_, seed) => seed))(
    'seed %i: balanced, whole, complete after two rounds',
    seed => {
      const history = new GroupHistory(seed)
      history.join()
      for (let step = 0; step < 20; step++) {
        const luck = history.random()
        if (luck < 0.45 && history.members.length < 6) history.join()
        else if (luck < 0.75) history.leave()
        else if (luck < 0.9) history.grow()
        // Sometimes the next thing happens between the two rounds.
        const interrupted = history.random() < 0.3
        const again = history.rebalance()
        if (interrupted) continue
        if (again) history.rebalance()
        history.requireRest()
        history.requireBalancedAndComplete()
      }
      expect(history.violations).toEqual([])
    }
  )
})

describe('against all assignments tried one by one', () => {
  it.each(Array.from({ length: 120 }, (_, seed) => seed))(
    'seed %i: no balanced one keeps more tasks where they are',
    seed => {
      const history = new GroupHistory(seed)
      const inputs: TaskInputs = new Map([
        [0, new Map([['t0', 1 + history.pick(4)]])],
        [1, new Map([['t1', 1 + history.pick(3)]])]
      ])
      const memberCount = 2 + history.pick(2)
      const tasks = tasksOf(inputs)
      const owners = tasks.map(() => history.pick(memberCount + 1) - 1)
      const members: AssignorMember[] = Array.from({ length: memberCount }, (_, index) => ({
        memberId: `m${index}`,
        groupInstanceId: undefined,
        topics: ['t0', 't1'],
        userData: encodeTaskData({ processName: `m${index}`, tasks: new Map() }),
        owned: tasks.flatMap((task, at) =>
          owners[at] === index ? [{ topic: `t${task.subTopologyId}`, partition: task.partition }] : []
        ),
        generationId: 1
      }))
      const result = assignTasks(inputs, members, 'leader')
      // Only what stays is assigned where it has an owner: what moves is left out.
      const kept = tasks.filter((task, at) => {
        const owner = owners[at] as number
        const key = `t${task.subTopologyId}/${task.partition}`
        return owner >= 0 && result.get(`m${owner}`)?.partitions.some(each => keyOf(each) === key)
      }).length

      let most = 0
      for (let code = 0; code < memberCount ** tasks.length; code++) {
        const choice = tasks.map((_, at) => Math.floor(code / memberCount ** at) % memberCount)
        const even = [undefined, 0, 1].every(sub => {
          const counts = Array.from({ length: memberCount }, () => 0)
          tasks.forEach((task, at) => {
            const chosen = choice[at] as number
            if (sub === undefined || task.subTopologyId === sub) counts[chosen] = (counts[chosen] as number) + 1
          })
          return Math.max(...counts) - Math.min(...counts) <= 1
        })
        if (even) most = Math.max(most, choice.filter((member, at) => member === owners[at]).length)
      }
      expect(kept).toBe(most)
    }
  )
})
