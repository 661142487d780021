import { ConsumerProtocolSubscription, decodeData } from '@millrace/protocol'
import { ErrorCode } from '../error-code.ts'
import { type ClassicMember, type MemberProtocol, NO_BYTES } from './classic-member.ts'
import type { JoinAnswer, SyncAnswer } from './group-messages.ts'
import { ENTERED_FROM, type GroupState } from './group-states.ts'

/** The protocol type of consumers, whose subscriptions the broker can read. */
const CONSUMER_PROTOCOL_TYPE = 'consumer'

/**
 * A classic group: its members, its state and its generation, and who waits for what. It decides nothing about time;
 * that is `Rebalance`.
 *
 * @see Kafka `ClassicGroup`
 */
export class ClassicGroup {
  readonly groupId: string
  protocolType: string | null = null
  protocolName: string | null = null
  leaderId: string | null = null
  generationId = 0
  /** When it entered its state; offsets of an empty group expire counted from here. */
  stateSinceMs: number
  /** During the first round: somebody joined since its delay was last looked at. */
  newMemberAdded = false
  /** Topics that the consumers among its members read; null where that cannot be told. */
  subscribedTopics: ReadonlySet<string> | null = null
  /** Cancels the end of the join phase. */
  cancelJoinTimer: () => void = () => {}
  /** Cancels the wait for the members' SyncGroup. */
  cancelSyncTimer: () => void = () => {}

  #state: GroupState
  #previousState: GroupState = 'Dead'
  readonly #members = new Map<string, ClassicMember>()
  readonly #memberIdsByInstance = new Map<string, string>()
  /** Ids given out with MEMBER_ID_REQUIRED whose owners have not come back yet; value: cancels their expiry. */
  readonly #pendingJoins = new Map<string, () => void>()
  /** Members that got the generation and have not yet asked for their assignment. */
  readonly #pendingSyncs = new Set<string>()
  readonly #supportedProtocols = new Map<string, number>()
  #awaitingJoinCount = 0

  constructor(groupId: string, nowMs: number, state: GroupState = 'Empty') {
    this.groupId = groupId
    this.stateSinceMs = nowMs
    this.#state = state
  }

  get state(): GroupState {
    return this.#state
  }

  get previousState(): GroupState {
    return this.#previousState
  }

  isIn(...states: readonly GroupState[]): boolean {
    return states.includes(this.#state)
  }

  get canRebalance(): boolean {
    return ENTERED_FROM.PreparingRebalance.includes(this.#state)
  }

  transitionTo(state: GroupState, nowMs: number): void {
    if (!ENTERED_FROM[state].includes(this.#state)) {
      throw new Error(`Group '${this.groupId}' cannot go from ${this.#state} to ${state}.`)
    }
    this.#previousState = this.#state
    this.#state = state
    this.stateSinceMs = nowMs
  }

  // ── members ──────────────────────────────────────────────────────────────────────────────────────────────────────

  get size(): number {
    return this.#members.size
  }

  get awaitingJoinCount(): number {
    return this.#awaitingJoinCount
  }

  members(): IterableIterator<ClassicMember> {
    return this.#members.values()
  }

  has(memberId: string): boolean {
    return this.#members.has(memberId)
  }

  member(memberId: string): ClassicMember | undefined {
    return this.#members.get(memberId)
  }

  isLeader(memberId: string): boolean {
    return this.leaderId === memberId
  }

  staticMemberId(groupInstanceId: string): string | undefined {
    return this.#memberIdsByInstance.get(groupInstanceId)
  }

  add(member: ClassicMember, answerJoin: ((answer: JoinAnswer) => void) | null): void {
    if (member.groupInstanceId !== null) this.#memberIdsByInstance.set(member.groupInstanceId, member.memberId)
    if (this.#members.size === 0) this.protocolType = member.protocolType
    this.leaderId ??= member.memberId
    this.#members.set(member.memberId, member)
    this.#count(member.protocols, 1)
    this.#setAnswerJoin(member, answerJoin)
    this.removePending(member.memberId)
  }

  /** Removes a member, or an id given out and not yet used. Its timers and requests are the caller's to end. */
  remove(memberId: string): void {
    const member = this.#members.get(memberId)
    if (member !== undefined) {
      this.#members.delete(memberId)
      this.#count(member.protocols, -1)
      this.#setAnswerJoin(member, null)
      if (member.groupInstanceId !== null) this.#memberIdsByInstance.delete(member.groupInstanceId)
    }
    if (this.leaderId === memberId) this.leaderId = this.#members.keys().next().value ?? null
    this.removePending(memberId)
    this.#pendingSyncs.delete(memberId)
  }

  updateMember(
    member: ClassicMember,
    protocols: readonly MemberProtocol[],
    rebalanceTimeoutMs: number,
    sessionTimeoutMs: number,
    answerJoin: ((answer: JoinAnswer) => void) | null
  ): void {
    this.#count(member.protocols, -1)
    member.protocols = protocols
    this.#count(protocols, 1)
    member.rebalanceTimeoutMs = rebalanceTimeoutMs
    member.sessionTimeoutMs = sessionTimeoutMs
    this.#setAnswerJoin(member, answerJoin)
  }

  /**
   * Gives a static member's place to its next process: same instance, new member id. Requests of the old one that wait
   * are answered FENCED_INSTANCE_ID.
   */
  replaceStatic(oldMember: ClassicMember, newMemberId: string): ClassicMember {
    const { memberId } = oldMember
    const error = ErrorCode.FENCED_INSTANCE_ID
    this.answerJoin(oldMember, joinError(memberId, error))
    this.answerSync(oldMember, syncError(error))
    oldMember.cancelExpiry()
    const replacement = oldMember.renamed(newMemberId)
    this.#members.delete(memberId)
    this.#members.set(newMemberId, replacement)
    if (this.leaderId === memberId) this.leaderId = newMemberId
    this.#memberIdsByInstance.set(oldMember.groupInstanceId as string, newMemberId)
    return replacement
  }

  /** The error of a request in a member's name; NONE when the member is who it says. */
  validateMember(memberId: string, groupInstanceId: string | null): number {
    if (groupInstanceId !== null) {
      const current = this.#memberIdsByInstance.get(groupInstanceId)
      if (current === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
      if (current !== memberId) return ErrorCode.FENCED_INSTANCE_ID
    }
    return this.#members.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID
  }

  // ── ids given out, and members that owe a SyncGroup ──────────────────────────────────────────────────────────────

  addPending(memberId: string, cancelExpiry: () => void): void {
    this.#pendingJoins.set(memberId, cancelExpiry)
  }

  isPending(memberId: string): boolean {
    return this.#pendingJoins.has(memberId)
  }

  removePending(memberId: string): void {
    this.#pendingJoins.get(memberId)?.()
    this.#pendingJoins.delete(memberId)
  }

  /** Takes back all ids given out and not yet used. */
  cancelPending(): void {
    for (const memberId of [...this.#pendingJoins.keys()]) this.removePending(memberId)
  }

  addPendingSync(memberId: string): void {
    this.#pendingSyncs.add(memberId)
  }

  removePendingSync(memberId: string): void {
    this.#pendingSyncs.delete(memberId)
    if (this.#pendingSyncs.size === 0) this.cancelSyncTimer()
  }

  pendingSyncs(): readonly string[] {
    return [...this.#pendingSyncs]
  }

  clearPendingSyncs(): void {
    this.#pendingSyncs.clear()
    this.cancelSyncTimer()
  }

  // ── rounds ───────────────────────────────────────────────────────────────────────────────────────────────────────

  get allHaveJoined(): boolean {
    return this.#members.size === this.#awaitingJoinCount && this.#pendingJoins.size === 0
  }

  /** The longest that any member may take to join a round. */
  get rebalanceTimeoutMs(): number {
    let longestMs = 0
    for (const member of this.#members.values()) longestMs = Math.max(longestMs, member.rebalanceTimeoutMs)
    return longestMs
  }

  /** Keeps the leader if it joined the round, else elects one that did. False when nobody did. */
  electJoinedLeader(): boolean {
    if (this.leaderId === null) return false
    if (this.#members.get(this.leaderId)?.answerJoin) return true
    for (const member of this.#members.values()) {
      if (member.answerJoin === null) continue
      this.leaderId = member.memberId
      return true
    }
    return false
  }

  /** Whether a member with these protocols could be in the group. */
  supportsProtocols(protocolType: string, protocols: readonly MemberProtocol[]): boolean {
    if (this.#state === 'Empty') return protocolType !== '' && protocols.length > 0
    return (
      this.protocolType === protocolType &&
      protocols.some(protocol => (this.#supportedProtocols.get(protocol.name) ?? 0) === this.#members.size)
    )
  }

  /** The protocol with most votes among those that every member knows; of equals, the one voted for first. */
  selectProtocol(): string {
    const candidates = new Set<string>()
    for (const [name, count] of this.#supportedProtocols) if (count === this.#members.size) candidates.add(name)
    const votes = new Map<string, number>()
    for (const member of this.#members.values()) {
      const name = member.vote(candidates)
      votes.set(name, (votes.get(name) ?? 0) + 1)
    }
    let selected = ''
    for (const [name, count] of votes) if (count > (votes.get(selected) ?? 0)) selected = name
    return selected
  }

  /** Ends the join phase: the next generation, with the members that are there. */
  beginGeneration(nowMs: number): void {
    this.generationId++
    this.protocolName = this.#members.size > 0 ? this.selectProtocol() : null
    this.readSubscriptions()
    this.transitionTo(this.#members.size > 0 ? 'CompletingRebalance' : 'Empty', nowMs)
    this.clearPendingSyncs()
  }

  /** Who is in the generation, for its leader. */
  describeForLeader(): JoinAnswer['members'] {
    return [...this.#members.values()].map(member => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: member.metadata(this.protocolName)
    }))
  }

  /** What a member of the present generation is told when it joins. */
  joinAnswer(
    memberId: string,
    members: JoinAnswer['members'] = this.isLeader(memberId) ? this.describeForLeader() : []
  ): JoinAnswer {
    return {
      errorCode: ErrorCode.NONE,
      generationId: this.generationId,
      protocolType: this.protocolType,
      protocolName: this.protocolName,
      leader: this.leaderId ?? '',
      skipAssignment: false,
      memberId,
      members
    }
  }

  answerJoin(member: ClassicMember, answer: JoinAnswer): void {
    const { answerJoin } = member
    this.#setAnswerJoin(member, null)
    answerJoin?.(answer)
  }

  /** False when the member was not waiting. */
  answerSync(member: ClassicMember, answer: SyncAnswer): boolean {
    const { answerSync } = member
    member.answerSync = null
    answerSync?.(answer)
    return answerSync !== null
  }

  /** Reads, of the protocol selected, which topics the members consume. */
  readSubscriptions(): void {
    this.subscribedTopics = this.#subscriptions()
  }

  /** Whether its members consume the topic; an unreadable consumer group is taken to consume all. */
  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics?.has(topic) ?? this.isConsumerGroup
  }

  get isConsumerGroup(): boolean {
    return this.protocolType === CONSUMER_PROTOCOL_TYPE
  }

  #subscriptions(): ReadonlySet<string> | null {
    if (!this.isConsumerGroup) return null
    const topics = new Set<string>()
    if (this.#members.size === 0) return topics
    if (this.protocolName === null) return null
    try {
      for (const member of this.#members.values()) {
        const metadata = Buffer.from(member.metadata(this.protocolName))
        for (const topic of decodeData(ConsumerProtocolSubscription, metadata).topics) topics.add(topic)
      }
    } catch {
      // Whoever calls its protocol `consumer` may still write what it likes into it.
      return null
    }
    return topics
  }

  /** Each member counts once for a name, even one that names it twice, whose round Kafka never ends. */
  #count(protocols: readonly MemberProtocol[], step: 1 | -1): void {
    for (const name of new Set(protocols.map(protocol => protocol.name))) {
      this.#supportedProtocols.set(name, (this.#supportedProtocols.get(name) ?? 0) + step)
    }
  }

  #setAnswerJoin(member: ClassicMember, answerJoin: ((answer: JoinAnswer) => void) | null): void {
    this.#awaitingJoinCount += Number(answerJoin !== null) - Number(member.answerJoin !== null)
    member.answerJoin = answerJoin
  }
}

export function joinError(memberId: string, errorCode: number): JoinAnswer {
  return {
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    memberId,
    members: []
  }
}

export function syncError(errorCode: number): SyncAnswer {
  return { errorCode, protocolType: null, protocolName: null, assignment: NO_BYTES }
}
