import type { Clock, Logger } from '@millrace/streams/ports'
import { ErrorCode } from '../error-code.ts'
import { StorageError } from '../storage/log-storage.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { ClassicMember } from './classic-member.ts'
import { CommittedOffsets, type StoredOffset } from './committed-offsets.ts'
import type { GroupConfig } from './group-config.ts'
import type { GroupEntry, OffsetDeleted, OffsetStored } from './group-journal.ts'
import type {
  OffsetCommitRequest,
  OffsetDeleteAnswer,
  OffsetDeleteRequest,
  OffsetFetchGroup,
  OffsetFetchGroupAnswer,
  TxnOffsetCommitRequest
} from './group-messages.ts'
import type { Rebalance } from './rebalance.ts'

/** From here on OffsetCommit says GROUP_ID_NOT_FOUND where it used to say ILLEGAL_GENERATION. */
const NAMES_MISSING_GROUPS_FROM = 9

const NO_OFFSET = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '' }

export interface GroupOffsetsParts {
  readonly config: GroupConfig
  readonly clock: Clock
  readonly rebalance: Rebalance
  readonly find: (groupId: string) => ClassicGroup | undefined
  /** Makes a group without members for whoever keeps offsets and nothing else. */
  readonly create: (groupId: string) => ClassicGroup
  readonly append: (...entries: GroupEntry[]) => void
  readonly logger: Logger
}

/** An answer with an error for each partition of OffsetCommit or TxnOffsetCommit. */
export interface CommitAnswer {
  readonly topics: readonly {
    readonly name: string
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[]
  }[]
}

type CommitTopics = OffsetCommitRequest['topics'] | TxnOffsetCommitRequest['topics']

/** Commits, reads and deletes the offsets of groups. */
export class GroupOffsets {
  readonly #parts: GroupOffsetsParts
  readonly #offsets = new CommittedOffsets()

  constructor(parts: GroupOffsetsParts) {
    this.#parts = parts
  }

  /** OffsetCommit of partitions that exist. */
  commit(request: OffsetCommitRequest, version: number): CommitAnswer {
    const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch: generationId, topics } = request
    let group = this.#parts.find(groupId)
    if (group === undefined) {
      // Without a generation it comes from somebody who only keeps offsets.
      if (generationId >= 0) {
        const missing =
          version >= NAMES_MISSING_GROUPS_FROM ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION
        return commitAnswer(topics, missing)
      }
      group = this.#parts.create(groupId)
    }
    const error = validateCommit(group, memberId, groupInstanceId, generationId, false)
    if (error !== ErrorCode.NONE) return commitAnswer(topics, error)
    const member = group.member(memberId)
    if (member !== undefined && group.isIn('Stable', 'PreparingRebalance')) {
      this.#parts.rebalance.keepAlive(group, member as ClassicMember)
    }
    const { retentionTimeMs } = request
    return this.#store(groupId, topics, null, retentionTimeMs < 0 ? null : this.#parts.clock.nowMs() + retentionTimeMs)
  }

  /** TxnOffsetCommit of partitions that exist, by a producer that the transaction coordinator has let through. */
  commitTransactional(request: TxnOffsetCommitRequest): CommitAnswer {
    const { groupId, memberId, groupInstanceId, generationId, topics, producerId } = request
    let group = this.#parts.find(groupId)
    if (group === undefined) {
      if (generationId >= 0) return commitAnswer(topics, ErrorCode.ILLEGAL_GENERATION)
      group = this.#parts.create(groupId)
    }
    const error = validateCommit(group, memberId, groupInstanceId, generationId, true)
    if (error !== ErrorCode.NONE) return commitAnswer(topics, error)
    return this.#store(groupId, topics, producerId, null)
  }

  /** OffsetFetch of one group; `topics: null` asks for all. With `requireStable`, what a transaction holds is an error. */
  fetch(request: OffsetFetchGroup, requireStable: boolean): OffsetFetchGroupAnswer {
    const { groupId } = request
    const known = this.#parts.find(groupId) !== undefined
    const read = (topic: string, partitionIndex: number) => {
      if (known && requireStable && this.#offsets.isUnstable(groupId, topic, partitionIndex)) {
        return { partitionIndex, ...NO_OFFSET, errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT }
      }
      const stored = known ? this.#offsets.get(groupId, topic, partitionIndex) : undefined
      if (stored === undefined) return { partitionIndex, ...NO_OFFSET, errorCode: ErrorCode.NONE }
      const { offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata } = stored
      return { partitionIndex, committedOffset, committedLeaderEpoch, metadata, errorCode: ErrorCode.NONE }
    }
    const topics = request.topics ?? (known ? this.#topicsOf(groupId) : [])
    return {
      groupId,
      errorCode: ErrorCode.NONE,
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map(partition => read(name, partition))
      }))
    }
  }

  /** OffsetDelete of partitions that exist. Topics that the group consumes are left alone. */
  delete(request: OffsetDeleteRequest): OffsetDeleteAnswer {
    const { groupId } = request
    if (groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID, topics: [] }
    const group = this.#parts.find(groupId)
    const error = group === undefined ? ErrorCode.GROUP_ID_NOT_FOUND : validateDelete(group)
    if (error !== ErrorCode.NONE) return { errorCode: error, topics: [] }
    const forgotten: OffsetDeleted[] = []
    const topics = request.topics.map(({ name, partitions }) => {
      const errorCode = group?.isSubscribedTo(name) ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE
      for (const { partitionIndex } of partitions) {
        if (errorCode === ErrorCode.NONE) forgotten.push(deletion(groupId, name, partitionIndex))
      }
      return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) }
    })
    this.#forget(forgotten)
    return { errorCode: ErrorCode.NONE, topics }
  }

  /** All that a group has, and what open transactions would give it; its deletion is in the journal already. */
  deleteAll(groupId: string): void {
    for (const [topic, partition] of this.#offsets.partitionsOf(groupId))
      this.#offsets.delete(groupId, topic, partition)
  }

  /** Offsets of topics that are no more. */
  deleteTopics(isDeleted: (topic: string) => boolean): void {
    const gone: OffsetDeleted[] = []
    for (const groupId of this.#offsets.groupIds()) {
      for (const [topic, partition] of this.#offsets.partitionsOf(groupId)) {
        if (isDeleted(topic)) gone.push(deletion(groupId, topic, partition))
      }
    }
    try {
      this.#forget(gone)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      // The next start sees that there is no such topic.
      this.#parts.logger.warn("The end of a topic's offsets is not written down.", { error })
      for (const { groupId, topic, partition } of gone) this.#offsets.delete(groupId, topic, partition)
    }
  }

  /** Ends the transaction of a producer: its offsets become the groups', or are forgotten. */
  endTransaction(producerId: bigint, committed: boolean): void {
    if (!this.#offsets.hasTransaction(producerId)) return
    this.#parts.append({ kind: 'transaction-ended', producerId: String(producerId), committed })
    this.#offsets.endTransaction(producerId, committed)
  }

  /** Forgets a group's expired offsets. True when none is left and no transaction will bring any. */
  expire(group: ClassicGroup): boolean {
    const { groupId } = group
    const sinceMs = expiryBase(group)
    if (sinceMs === null) return false
    const nowMs = this.#parts.clock.nowMs()
    let anyLeft = false
    const expired: OffsetDeleted[] = []
    this.#offsets.forEach(groupId, (topic, partition, stored) => {
      const isExpired =
        stored.expiresAtMs === null
          ? nowMs - sinceMs(stored) >= this.#parts.config.offsetsRetentionMs
          : nowMs >= stored.expiresAtMs
      const isHeld = group.isSubscribedTo(topic) || this.#offsets.isUnstable(groupId, topic, partition)
      if (isExpired && !isHeld) expired.push(deletion(groupId, topic, partition))
      else anyLeft = true
    })
    this.#forget(expired)
    return !anyLeft && !this.#offsets.hasOpenTransaction(groupId)
  }

  /** Takes over what the journal says. */
  restore(entry: GroupEntry): void {
    if (entry.kind === 'offset') {
      const { groupId, topic, partition, producerId, kind: _kind, ...stored } = entry
      this.#offsets.put(groupId, topic, partition, stored, producerId === null ? null : BigInt(producerId))
    } else if (entry.kind === 'offset-deleted') {
      this.#offsets.delete(entry.groupId, entry.topic, entry.partition)
    } else if (entry.kind === 'group-deleted') {
      this.deleteAll(entry.groupId)
    } else if (entry.kind === 'transaction-ended') {
      this.#offsets.endTransaction(BigInt(entry.producerId), entry.committed)
    }
  }

  /** Everything as journal entries. */
  *entries(): Generator<GroupEntry> {
    const found: OffsetStored[] = []
    for (const groupId of this.#offsets.groupIds()) {
      this.#offsets.forEach(groupId, (topic, partition, stored) => {
        found.push({ kind: 'offset', groupId, topic, partition, producerId: null, ...stored })
      })
    }
    this.#offsets.forEachPending((producerId, groupId, topic, partition, stored) => {
      found.push({ kind: 'offset', groupId, topic, partition, producerId: String(producerId), ...stored })
    })
    yield* found
  }

  #store(groupId: string, topics: CommitTopics, producerId: bigint | null, expiresAtMs: number | null): CommitAnswer {
    const entries: OffsetStored[] = []
    const answer: CommitAnswer = {
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(partition => {
          const { partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata } = partition
          const metadata = committedMetadata ?? ''
          if (metadata.length > this.#parts.config.offsetMetadataMaxSize) {
            return { partitionIndex, errorCode: ErrorCode.OFFSET_METADATA_TOO_LARGE }
          }
          entries.push({
            kind: 'offset',
            groupId,
            topic: name,
            partition: partitionIndex,
            producerId: producerId === null ? null : String(producerId),
            offset: committedOffset,
            leaderEpoch: committedLeaderEpoch,
            metadata,
            committedAtMs: this.#parts.clock.nowMs(),
            expiresAtMs,
            sequence: this.#offsets.nextSequence()
          })
          return { partitionIndex, errorCode: ErrorCode.NONE }
        })
      }))
    }
    if (entries.length > 0) this.#parts.append(...entries)
    for (const entry of entries) this.restore(entry)
    return answer
  }

  #forget(deletions: readonly OffsetDeleted[]): void {
    const found = deletions.filter(({ groupId, topic, partition }) => this.#offsets.has(groupId, topic, partition))
    if (found.length === 0) return
    this.#parts.append(...found)
    for (const { groupId, topic, partition } of found) this.#offsets.delete(groupId, topic, partition)
  }

  #topicsOf(groupId: string): { name: string; partitionIndexes: number[] }[] {
    const byName = new Map<string, number[]>()
    this.#offsets.forEach(groupId, (topic, partition) => {
      byName.set(topic, [...(byName.get(topic) ?? []), partition])
    })
    return [...byName].map(([name, partitionIndexes]) => ({ name, partitionIndexes }))
  }
}

function deletion(groupId: string, topic: string, partition: number): OffsetDeleted {
  return { kind: 'offset-deleted', groupId, topic, partition }
}

/** The same error for every partition of a commit. */
export function commitAnswer(topics: CommitTopics, errorCode: number): CommitAnswer {
  return {
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode }))
    }))
  }
}

/** @see Kafka `ClassicGroup#validateOffsetCommit` */
function validateCommit(
  group: ClassicGroup,
  memberId: string,
  groupInstanceId: string | null,
  generationId: number,
  isTransactional: boolean
): number {
  if (group.isIn('Dead')) return ErrorCode.COORDINATOR_NOT_AVAILABLE
  if (generationId < 0 && group.isIn('Empty')) return ErrorCode.NONE
  if (generationId >= 0 || memberId !== '' || groupInstanceId !== null) {
    const error = group.validateMember(memberId, groupInstanceId)
    if (error !== ErrorCode.NONE) return error
    if (generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION
  } else if (!isTransactional) {
    // Somebody outside of a group that has members. In a transaction it is let through: old producers name no member.
    return ErrorCode.UNKNOWN_MEMBER_ID
  }
  const awaitsLeader = !isTransactional && group.isIn('CompletingRebalance')
  return awaitsLeader ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
}

function validateDelete(group: ClassicGroup): number {
  if (group.isIn('Dead')) return ErrorCode.GROUP_ID_NOT_FOUND
  return group.isIn('Empty') || group.isConsumerGroup ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP
}

/** From when the retention of an offset counts; null: it does not, for the group is in use. */
function expiryBase(group: ClassicGroup): ((stored: StoredOffset) => number) | null {
  if (group.protocolType === null) return stored => stored.committedAtMs
  if (group.isIn('Empty')) return () => group.stateSinceMs
  if (group.isIn('Stable') && group.isConsumerGroup && group.subscribedTopics !== null) {
    return stored => stored.committedAtMs
  }
  return null
}
