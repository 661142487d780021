/** One committed position. */
export interface StoredOffset {
  readonly offset: number
  /** -1: not told. */
  readonly leaderEpoch: number
  readonly metadata: string
  readonly committedAtMs: number
  /** Older clients could ask for their own retention (OffsetCommit up to 4); null: the broker's. */
  readonly expiresAtMs: number | null
  /** Of two, the one written later wins, in whichever order their transactions end. */
  readonly sequence: number
}

/** Visits offsets: of which topic and partition. */
export type OffsetVisitor = (topic: string, partition: number, stored: StoredOffset) => void

/** Offsets by group, topic and partition. */
export class OffsetTable {
  readonly #groups = new Map<string, Map<string, Map<number, StoredOffset>>>()

  get(groupId: string, topic: string, partition: number): StoredOffset | undefined {
    return this.#groups.get(groupId)?.get(topic)?.get(partition)
  }

  put(groupId: string, topic: string, partition: number, stored: StoredOffset): void {
    let topics = this.#groups.get(groupId)
    if (topics === undefined) this.#groups.set(groupId, (topics = new Map()))
    let partitions = topics.get(topic)
    if (partitions === undefined) topics.set(topic, (partitions = new Map()))
    partitions.set(partition, stored)
  }

  delete(groupId: string, topic: string, partition: number): boolean {
    const topics = this.#groups.get(groupId)
    const partitions = topics?.get(topic)
    if (topics === undefined || partitions === undefined || !partitions.delete(partition)) return false
    if (partitions.size === 0) topics.delete(topic)
    if (topics.size === 0) this.#groups.delete(groupId)
    return true
  }

  has(groupId: string): boolean {
    return this.#groups.has(groupId)
  }

  groupIds(): readonly string[] {
    return [...this.#groups.keys()]
  }

  forEach(groupId: string, visit: OffsetVisitor): void {
    for (const [topic, partitions] of this.#groups.get(groupId) ?? []) {
      for (const [partition, stored] of partitions) visit(topic, partition, stored)
    }
  }
}

/**
 * All committed offsets, and beside them those of transactions that have not ended, by producer id.
 *
 * @see Kafka `OffsetMetadataManager`
 */
export class CommittedOffsets {
  readonly #committed = new OffsetTable()
  readonly #pending = new Map<bigint, OffsetTable>()
  #sequence = 0

  /** For the next offset that is written. */
  nextSequence(): number {
    return ++this.#sequence
  }

  get(groupId: string, topic: string, partition: number): StoredOffset | undefined {
    return this.#committed.get(groupId, topic, partition)
  }

  /** Whether some open transaction will write this offset if it commits. */
  isUnstable(groupId: string, topic: string, partition: number): boolean {
    for (const table of this.#pending.values()) {
      if (table.get(groupId, topic, partition) !== undefined) return true
    }
    return false
  }

  /** Whether `delete` would find something. */
  has(groupId: string, topic: string, partition: number): boolean {
    return this.get(groupId, topic, partition) !== undefined || this.isUnstable(groupId, topic, partition)
  }

  /** Whether a producer's open transaction has offsets. */
  hasTransaction(producerId: bigint): boolean {
    return this.#pending.has(producerId)
  }

  /** Whether the group has offsets of its own, or may get some from an open transaction. */
  hasOpenTransaction(groupId: string): boolean {
    for (const table of this.#pending.values()) if (table.has(groupId)) return true
    return false
  }

  /** Stores an offset, for good or as part of a producer's transaction. */
  put(groupId: string, topic: string, partition: number, stored: StoredOffset, producerId: bigint | null): void {
    this.#sequence = Math.max(this.#sequence, stored.sequence)
    if (producerId === null) {
      this.#committed.put(groupId, topic, partition, stored)
      return
    }
    let table = this.#pending.get(producerId)
    if (table === undefined) this.#pending.set(producerId, (table = new OffsetTable()))
    table.put(groupId, topic, partition, stored)
  }

  /** Forgets an offset, and what open transactions would write in its place. False when there was neither. */
  delete(groupId: string, topic: string, partition: number): boolean {
    let found = this.#committed.delete(groupId, topic, partition)
    for (const table of this.#pending.values()) found = table.delete(groupId, topic, partition) || found
    return found
  }

  /** Every partition of which `delete` would find something. */
  partitionsOf(groupId: string): readonly (readonly [topic: string, partition: number])[] {
    const found = new Map<string, readonly [string, number]>()
    const note: OffsetVisitor = (topic, partition) => found.set(`${topic}-${partition}`, [topic, partition])
    this.#committed.forEach(groupId, note)
    for (const table of this.#pending.values()) table.forEach(groupId, note)
    return [...found.values()]
  }

  /** Groups with offsets, committed or pending. */
  groupIds(): ReadonlySet<string> {
    const ids = new Set(this.#committed.groupIds())
    for (const table of this.#pending.values()) for (const id of table.groupIds()) ids.add(id)
    return ids
  }

  forEach(groupId: string, visit: OffsetVisitor): void {
    this.#committed.forEach(groupId, visit)
  }

  forEachPending(visit: (producerId: bigint, groupId: string, ...of: Parameters<OffsetVisitor>) => void): void {
    for (const [producerId, table] of this.#pending) {
      for (const groupId of table.groupIds()) {
        table.forEach(groupId, (topic, partition, stored) => visit(producerId, groupId, topic, partition, stored))
      }
    }
  }

  /** Ends a producer's transaction. False when it had no offsets. */
  endTransaction(producerId: bigint, committed: boolean): boolean {
    const table = this.#pending.get(producerId)
    if (table === undefined) return false
    this.#pending.delete(producerId)
    if (!committed) return true
    for (const groupId of table.groupIds()) {
      table.forEach(groupId, (topic, partition, stored) => {
        const present = this.#committed.get(groupId, topic, partition)
        if (present === undefined || stored.sequence > present.sequence) {
          this.#committed.put(groupId, topic, partition, stored)
        }
      })
    }
    return true
  }
}
