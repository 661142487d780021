import { type Edge, sendCheapestFlow } from './cheapest-flow.ts'

/** One sub-topology, with what each member that may run its tasks would like to keep of them. */
export interface QuotaDemand {
  readonly taskCount: number
  /** Members that subscribe to all of its topics, by index, with how many tasks each owns, and how many it has the best claim to. */
  readonly wishes: ReadonlyMap<number, { readonly owned: number; readonly claimed: number }>
}

/**
 * How many tasks of each sub-topology each member gets: quotas[sub-topology][member].
 *
 * Counts differ by at most one within each sub-topology, because its tasks are alike in cost, and, where all members subscribe to the
 * same topics, by at most one in total. Each sub-topology gives everyone the same base; what is left, less than one task a member, are
 * its *extras*. Who gets them is the only choice, and it decides how many tasks can stay: a flow finds the choice that is even in total
 * first, moves the fewest tasks second, and fits the stored state third.
 */
export function taskQuotas(demands: readonly QuotaDemand[], memberCount: number): number[][] {
  const quotas = demands.map(() => Array.from({ length: memberCount }, () => 0))
  const baseTotals = Array.from({ length: memberCount }, () => 0)
  const extraCounts = demands.map(({ taskCount, wishes }, sub) => {
    if (wishes.size === 0) return 0
    const base = Math.floor(taskCount / wishes.size)
    for (const member of wishes.keys()) {
      quotaRow(quotas, sub)[member] = base
      baseTotals[member] = (baseTotals[member] as number) + base
    }
    return taskCount - base * wishes.size
  })

  const source = demands.length + memberCount
  const sink = source + 1
  const memberNode = (member: number): number => demands.length + member
  const wishCount = demands.reduce((sum, { wishes }) => sum + wishes.size, 0)
  // No number of stored states outweighs one kept task, no number of kept tasks one step towards balance.
  const keepWeight = wishCount + 1
  const balanceWeight = keepWeight * (keepWeight + 1)

  const edges: Edge[] = []
  const choices: { sub: number; member: number; edge: Edge }[] = []
  demands.forEach(({ wishes }, sub) => {
    edges.push({ from: source, to: sub, capacity: extraCounts[sub] as number, cost: 0, flow: 0 })
    for (const [member, { owned, claimed }] of wishes) {
      const base = quotaRow(quotas, sub)[member] as number
      const cost = owned > base ? -keepWeight : claimed > base ? -1 : 0
      const edge = { from: sub, to: memberNode(member), capacity: 1, cost, flow: 0 }
      edges.push(edge)
      choices.push({ sub, member, edge })
    }
  })
  for (let member = 0; member < memberCount; member++) {
    // Each further task of a member costs more than the one before: the cheapest flow is the most even one.
    for (let extra = 0; extra < demands.length; extra++) {
      const cost = balanceWeight * ((baseTotals[member] as number) + extra)
      edges.push({ from: memberNode(member), to: sink, capacity: 1, cost, flow: 0 })
    }
  }
  sendCheapestFlow(sink + 1, edges, source, sink)
  for (const { sub, member, edge } of choices) {
    const row = quotaRow(quotas, sub)
    row[member] = (row[member] as number) + edge.flow
  }
  return quotas
}

function quotaRow(quotas: number[][], sub: number): number[] {
  return quotas[sub] as number[]
}
