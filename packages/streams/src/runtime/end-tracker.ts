import type { KafkaAdmin, TopicPartition } from '../ports/index.ts'
import { INTERNAL_PREFIX, type NodeSpec, resolveTopicName, type Topology } from '../topology/index.ts'
import type { TopicPlan } from './topic-plan.ts'

/**
 * Decides when `run({ until: 'end' })` is done, over all instances of the application: input topics are followed level by
 * level. The ends of the user's topics are those seen at the start. Once the group has committed all of them, everything
 * that follows from them is in the repartition topics of the next level, whose ends are then read in turn.
 */
export class EndTracker {
  readonly #admin: KafkaAdmin
  readonly #groupId: string
  readonly #levels: readonly (readonly TopicPartition[])[]
  #level = -1
  #targets = new Map<string, number>()

  constructor(admin: KafkaAdmin, applicationId: string, topology: Topology, plan: TopicPlan) {
    this.#admin = admin
    this.#groupId = applicationId
    this.#levels = levelsOf(topology, applicationId, plan)
  }

  /** Reads the ends of the user's topics. */
  async start(): Promise<void> {
    await this.#enter(0)
  }

  /** Where an input has to get to on the current level; undefined when it is not on it. */
  target(topic: string, partition: number): number | undefined {
    return this.#targets.get(`${topic}-${partition}`)
  }

  /** The log of an input was cut off, and ends here now. */
  lower(topic: string, partition: number, endOffset: number): void {
    const target = this.target(topic, partition)
    if (target !== undefined && target > endOffset) this.#targets.set(`${topic}-${partition}`, endOffset)
  }

  /** Looks at what the whole group has committed; moves on to the next levels as far as possible. True at the very end. */
  async check(): Promise<boolean> {
    while (this.#level < this.#levels.length) {
      const partitions = this.#levels[this.#level] as readonly TopicPartition[]
      const open = partitions.filter(({ topic, partition }) => (this.target(topic, partition) ?? 0) > 0)
      if (open.length > 0) {
        const committed = await this.#admin.fetchOffsets(this.#groupId, open, { requireStable: false })
        const reached = committed.every(
          ({ topic, partition, offset }) => offset >= (this.target(topic, partition) ?? 0)
        )
        if (!reached) return false
      }
      await this.#enter(this.#level + 1)
    }
    return true
  }

  async #enter(level: number): Promise<void> {
    this.#targets = new Map()
    const partitions = this.#levels[level]
    if (partitions !== undefined && partitions.length > 0) {
      // The end of the log, not that of the committed records: a commit is answered when the coordinator has written it
      // down, and its marks come to the partitions later. The last stable offset may still stand before what our own
      // last transaction wrote, and ending there would leave it unprocessed.
      const query = async (at: 'earliest' | 'latest') =>
        await this.#admin.listOffsets(
          partitions.map(partition => ({ ...partition, at })),
          'read_uncommitted'
        )
      const [starts, ends] = await Promise.all([query('earliest'), query('latest')])
      const startOf = new Map(starts.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]))
      for (const { topic, partition, offset } of ends) {
        const name = `${topic}-${partition}`
        // An empty partition is never committed: nothing has to be reached there.
        this.#targets.set(name, offset > (startOf.get(name) ?? 0) ? offset : 0)
      }
    }
    this.#level = level
  }
}

/** Level 0: topics of users. Level n: repartition topics whose sinks are reached from topics on levels below n. */
function levelsOf(topology: Topology, applicationId: string, plan: TopicPlan): TopicPartition[][] {
  const feeds = feedsOf(topology, applicationId)
  const levelOf = new Map<string, number>()
  // No repartition topic feeds itself, so levels only grow a bounded number of times.
  for (let changed = true; changed; ) {
    changed = false
    for (const [topic, fed] of feeds) {
      const level = 1 + (levelOf.get(topic) ?? 0)
      for (const name of fed) {
        if ((levelOf.get(name) ?? 0) >= level) continue
        levelOf.set(name, level)
        changed = true
      }
    }
  }

  const levels: TopicPartition[][] = []
  for (const topics of plan.inputs.values()) {
    for (const [topic, count] of topics) {
      const level = levelOf.get(topic) ?? 0
      for (let at = levels.length; at <= level; at++) levels.push([])
      for (let partition = 0; partition < count; partition++) levels[level]?.push({ topic, partition })
    }
  }
  return levels
}

/**
 * The repartition topics that records of each input topic lead to, from node to node. Sub-topologies would be too coarse: the
 * two sides of a foreign-key join write to one another, and yet no record goes round in a circle.
 */
function feedsOf(topology: Topology, applicationId: string): Map<string, Set<string>> {
  const feeds = new Map<string, Set<string>>()
  for (const sub of topology.subTopologies) {
    const nodes = new Map(sub.nodes.map(node => [node.name, node]))
    for (const source of sub.nodes) {
      if (source.kind !== 'source') continue
      const fed = internalSinksBelow(source, nodes)
      const topics = source.topics instanceof RegExp ? [String(source.topics)] : source.topics
      for (const topic of topics) {
        const name = resolveTopicName(topic, applicationId)
        const names = feeds.get(name) ?? new Set<string>()
        for (const suffixed of fed) names.add(resolveTopicName(suffixed, applicationId))
        feeds.set(name, names)
      }
    }
  }
  return feeds
}

function internalSinksBelow(source: NodeSpec, nodes: ReadonlyMap<string, NodeSpec>): Set<string> {
  const found = new Set<string>()
  const seen = new Set<NodeSpec>([source])
  for (const node of seen) {
    if (node.kind === 'sink') {
      if (typeof node.topic === 'string' && node.topic.startsWith(INTERNAL_PREFIX)) found.add(node.topic)
      continue
    }
    for (const child of node.children) seen.add(nodes.get(child) as NodeSpec)
  }
  return found
}
