import type { Clock, Logger } from '@millrace/streams/ports'
import { ErrorCode } from '../error-code.ts'
import { StorageError } from '../storage/log-storage.ts'
import { type ClassicGroup, joinError } from './classic-group.ts'
import { type ClassicMember, NO_BYTES } from './classic-member.ts'
import type { GroupConfig } from './group-config.ts'

export interface RebalanceParts {
  readonly config: GroupConfig
  readonly clock: Clock
  readonly logger: Logger
  /** Writes the group's present members and generation down. */
  readonly save: (group: ClassicGroup) => void
}

/**
 * The rounds of a group, and all that happens by time alone: sessions that expire, joins and syncs that are not waited
 * for any longer.
 *
 * @see Kafka `GroupMetadataManager`
 */
export class Rebalance {
  readonly #config: GroupConfig
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #save: (group: ClassicGroup) => void

  constructor(parts: RebalanceParts) {
    this.#config = parts.config
    this.#clock = parts.clock
    this.#logger = parts.logger
    this.#save = parts.save
  }

  // ── the beginning and end of the join phase ──────────────────────────────────────────────────────────────────────

  /** After a member came, changed or left: begins a round where none is, else ends the one that waited for just this. */
  prepareOrComplete(group: ClassicGroup, reason: string): void {
    if (group.canRebalance) this.prepare(group, reason)
    else this.completeIfJoined(group)
  }

  /** Asks all members to join again. */
  prepare(group: ClassicGroup, reason: string): void {
    if (group.isIn('CompletingRebalance')) this.#refuseSyncs(group, ErrorCode.REBALANCE_IN_PROGRESS)
    group.clearPendingSyncs()
    const isFirst = group.isIn('Empty')
    group.transitionTo('PreparingRebalance', this.#clock.nowMs())
    const { groupId, generationId } = group
    this.#logger.debug('group begins to rebalance', { groupId, generationId, reason })
    if (isFirst) {
      const delayMs = this.#config.groupInitialRebalanceDelayMs
      this.#awaitFirstMembers(group, delayMs, Math.max(group.rebalanceTimeoutMs - delayMs, 0))
    } else if (group.allHaveJoined) {
      this.complete(group)
    } else {
      this.#awaitJoins(group)
    }
  }

  /** Ends the join phase if nobody is missing. The first round of a group ends by its delay only. */
  completeIfJoined(group: ClassicGroup): void {
    if (group.isIn('PreparingRebalance') && group.previousState !== 'Empty' && group.allHaveJoined) this.complete(group)
  }

  /** Ends the join phase with whoever joined. Static members that did not stay, until their sessions expire. */
  complete(group: ClassicGroup): void {
    group.cancelJoinTimer()
    if (group.isIn('Dead')) return
    for (const member of [...group.members()]) {
      if (member.answerJoin !== null || member.isStatic) continue
      member.cancelExpiry()
      group.remove(member.memberId)
    }
    if (!group.electJoinedLeader() && group.size > 0) {
      this.#awaitJoins(group)
      return
    }
    group.beginGeneration(this.#clock.nowMs())
    const { groupId, generationId } = group
    this.#logger.debug('group begins a generation', { groupId, generationId, memberCount: group.size })
    if (group.isIn('Empty')) return this.#saveEmpty(group)
    for (const member of group.members()) {
      group.addPendingSync(member.memberId)
      member.isNew = false
      this.keepAlive(group, member)
    }
    group.cancelSyncTimer = this.#clock.setTimer(group.rebalanceTimeoutMs, () => this.#expireSyncs(group, generationId))
    for (const member of [...group.members()]) group.answerJoin(member, group.joinAnswer(member.memberId))
  }

  /** Where the disk refuses it a restart has the members before, whose sessions then end. */
  #saveEmpty(group: ClassicGroup): void {
    try {
      this.#save(group)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      this.#logger.warn('the end of a generation is not written down', { groupId: group.groupId, error })
    }
  }

  #awaitJoins(group: ClassicGroup): void {
    group.cancelJoinTimer()
    group.cancelJoinTimer = this.#clock.setTimer(group.rebalanceTimeoutMs, () => this.complete(group))
  }

  #awaitFirstMembers(group: ClassicGroup, delayMs: number, remainingMs: number): void {
    group.cancelJoinTimer()
    group.cancelJoinTimer = this.#clock.setTimer(delayMs, () => {
      if (!group.newMemberAdded || remainingMs === 0) return this.complete(group)
      group.newMemberAdded = false
      const nextDelayMs = Math.min(this.#config.groupInitialRebalanceDelayMs, remainingMs)
      this.#awaitFirstMembers(group, nextDelayMs, Math.max(remainingMs - delayMs, 0))
    })
  }

  // ── assignments ──────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * The leader's word: everybody who asked gets its assignment, and the group is stable. An assignment that cannot be
   * written down is nobody's, and the next round begins.
   */
  assign(group: ClassicGroup, assignments: ReadonlyMap<string, Uint8Array>): void {
    for (const member of group.members()) member.assignment = assignments.get(member.memberId) ?? NO_BYTES
    try {
      this.#save(group)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      this.#logger.error('an assignment is not written down', { groupId: group.groupId, error })
      this.#refuseSyncs(group, ErrorCode.COORDINATOR_NOT_AVAILABLE)
      this.prepare(group, 'its assignment is not written down')
      return
    }
    group.transitionTo('Stable', this.#clock.nowMs())
    const { protocolType, protocolName } = group
    for (const member of [...group.members()]) {
      const answer = { errorCode: ErrorCode.NONE, protocolType, protocolName, assignment: member.assignment }
      if (group.answerSync(member, answer)) this.keepAlive(group, member)
    }
  }

  #refuseSyncs(group: ClassicGroup, errorCode: number): void {
    for (const member of [...group.members()]) {
      member.assignment = NO_BYTES
      const answer = { errorCode, protocolType: null, protocolName: null, assignment: NO_BYTES }
      // A session that ran out while the request waited was let pass: it needs a new term.
      if (group.answerSync(member, answer)) this.keepAlive(group, member)
    }
  }

  #expireSyncs(group: ClassicGroup, generationId: number): void {
    if (generationId !== group.generationId || !group.isIn('CompletingRebalance', 'Stable')) return
    const silent = group.pendingSyncs()
    if (silent.length === 0) return
    for (const memberId of silent) {
      group.member(memberId)?.cancelExpiry()
      group.remove(memberId)
    }
    this.prepare(group, `no SyncGroup came from ${silent.join(', ')}`)
  }

  // ── sessions ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A sign of life: the member's session runs anew. */
  keepAlive(group: ClassicGroup, member: ClassicMember, timeoutMs = member.sessionTimeoutMs): void {
    member.cancelExpiry()
    member.cancelExpiry = this.#clock.setTimer(timeoutMs, () => this.expire(group, member))
  }

  /** Gives out an id that must be joined with before the session time-out is over. */
  reserve(group: ClassicGroup, memberId: string, sessionTimeoutMs: number): void {
    const cancel = this.#clock.setTimer(sessionTimeoutMs, () => {
      group.removePending(memberId)
      if (group.isIn('PreparingRebalance') && group.allHaveJoined) this.complete(group)
    })
    group.addPending(memberId, cancel)
  }

  /** The member's session is over, unless a request of it is held here. */
  expire(group: ClassicGroup, member: ClassicMember): void {
    if (group.member(member.memberId) !== member || member.excusedFromHeartbeats) return
    this.#logger.debug('session of a group member expired', { groupId: group.groupId, memberId: member.memberId })
    this.remove(group, member)
    if (group.isIn('Stable', 'CompletingRebalance')) {
      this.prepare(group, `the session of ${member.memberId} expired`)
    } else if (group.isIn('PreparingRebalance') && group.allHaveJoined) {
      this.complete(group)
    }
  }

  /** Takes a member out; a join of it that waits is told to begin again. */
  remove(group: ClassicGroup, member: ClassicMember): void {
    member.cancelExpiry()
    group.answerJoin(member, joinError('', ErrorCode.UNKNOWN_MEMBER_ID))
    group.remove(member.memberId)
  }
}
