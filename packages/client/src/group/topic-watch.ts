import type { GroupSession } from './group-session.ts'

/**
 * Notices what calls for a new assignment: this member subscribes to other topics now, or, in the leader, a topic of the
 * group has another partition count than when it was assigned.
 */
export class TopicWatch {
  readonly #session: GroupSession
  readonly #onChange: (reason: string) => void
  #subscribed: ReadonlySet<string> = new Set()
  /** In the leader: partition counts of all members' topics; 0 for one that is missing. Undefined in the others. */
  #assigned: ReadonlyMap<string, number> | undefined
  #readMs = 0
  #reading = false

  constructor(session: GroupSession, onChange: (reason: string) => void) {
    this.#session = session
    this.#onChange = onChange
  }

  /** With each join: what this member asked for. */
  subscribed(topics: readonly string[]): void {
    this.#subscribed = new Set(topics)
  }

  /** Before each assignment, in the leader: so a topic that grows while the assignor works is noticed afterwards. */
  async lead(topics: ReadonlySet<string>): Promise<void> {
    await this.#session.cluster.topics([...topics])
    this.#assigned = this.#counts(topics)
    this.#readMs = this.#session.clock.monotonicMs()
  }

  follow(): void {
    this.#assigned = undefined
  }

  /** Once per heartbeat interval, while stable. Costs no request until the metadata is older than its age limit. */
  check(): void {
    const topics = new Set(this.#session.options.topics())
    if (topics.size !== this.#subscribed.size || [...topics].some(topic => !this.#subscribed.has(topic))) {
      return this.#onChange('the subscription changed')
    }
    if (this.#assigned === undefined) return
    for (const [topic, count] of this.#counts(this.#assigned.keys())) {
      if (count !== this.#assigned.get(topic)) {
        return this.#onChange(`topic '${topic}' has ${count} partitions, before it had ${this.#assigned.get(topic)}`)
      }
    }
    if (this.#session.clock.monotonicMs() - this.#readMs >= this.#session.metadataMaxAgeMs)
      void this.#read(this.#assigned)
  }

  async #read(assigned: ReadonlyMap<string, number>): Promise<void> {
    if (this.#reading) return
    this.#reading = true
    this.#readMs = this.#session.clock.monotonicMs()
    try {
      await this.#session.cluster.refresh([...assigned.keys()])
    } catch (error) {
      // The next one is due soon enough; a cluster that cannot be reached shows in the heartbeats.
      this.#session.logger.debug('topics could not be read', { error: String(error) })
    } finally {
      this.#reading = false
    }
  }

  #counts(topics: Iterable<string>): Map<string, number> {
    const counts = new Map<string, number>()
    for (const topic of topics) counts.set(topic, this.#session.cluster.cachedTopic(topic)?.partitions.length ?? 0)
    return counts
  }
}
