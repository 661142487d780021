/** One edge of a flow network. `flow` is filled in. */
export interface Edge {
  readonly from: number
  readonly to: number
  readonly capacity: number
  readonly cost: number
  flow: number
}

/**
 * Sends as much as possible from `source` to `sink`, at the lowest total cost: repeatedly along the cheapest path on which
 * something is left, which may take back what an earlier path sent. Costs may be negative, but no cycle's sum.
 */
export function sendCheapestFlow(nodeCount: number, edges: readonly Edge[], source: number, sink: number): void {
  // Step 2i goes along edge i, step 2i+1 takes back.
  const steps: number[][] = Array.from({ length: nodeCount }, () => [])
  edges.forEach((edge, index) => {
    steps[edge.from]?.push(2 * index)
    steps[edge.to]?.push(2 * index + 1)
  })
  for (;;) {
    const path = cheapestPath(nodeCount, edges, steps, source, sink)
    if (path.length === 0) return
    const amount = Math.min(...path.map(step => roomOf(edges, step)))
    for (const step of path) edgeOf(edges, step).flow += step % 2 === 0 ? amount : -amount
  }
}

/** Bellman and Ford's, with a queue of the nodes whose distance changed. Empty when the sink cannot be reached. */
function cheapestPath(
  nodeCount: number,
  edges: readonly Edge[],
  steps: readonly (readonly number[])[],
  source: number,
  sink: number
): number[] {
  const distance = Array.from({ length: nodeCount }, () => Number.POSITIVE_INFINITY)
  const arrivedBy = Array.from({ length: nodeCount }, () => -1)
  const queued = Array.from({ length: nodeCount }, () => false)
  distance[source] = 0
  const queue = [source]
  for (let head = 0; head < queue.length; head++) {
    const node = queue[head] as number
    queued[node] = false
    for (const step of steps[node] ?? []) {
      if (roomOf(edges, step) === 0) continue
      const edge = edgeOf(edges, step)
      const next = step % 2 === 0 ? edge.to : edge.from
      const reached = (distance[node] as number) + (step % 2 === 0 ? edge.cost : -edge.cost)
      if (reached >= (distance[next] as number)) continue
      distance[next] = reached
      arrivedBy[next] = step
      if (queued[next]) continue
      queued[next] = true
      queue.push(next)
    }
  }
  const path: number[] = []
  for (let node = sink; node !== source; ) {
    const step = arrivedBy[node] as number
    if (step === -1) return []
    path.push(step)
    const edge = edgeOf(edges, step)
    node = step % 2 === 0 ? edge.from : edge.to
  }
  return path
}

function roomOf(edges: readonly Edge[], step: number): number {
  const edge = edgeOf(edges, step)
  return step % 2 === 0 ? edge.capacity - edge.flow : edge.flow
}

function edgeOf(edges: readonly Edge[], step: number): Edge {
  return edges[step >> 1] as Edge
}
