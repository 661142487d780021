import type { Clock, Logger, Random } from '@millrace/streams/ports'
import { ErrorCode } from '../error-code.ts'
import { ChangeJournal } from '../storage/change-journal.ts'
import type { StateJournal } from '../storage/state-journal.ts'
import { randomUuid } from '../random-uuid.ts'
import type { Topics } from '../topics/topics.ts'
import { ClassicGroup, joinError, syncError } from './classic-group.ts'
import { NO_BYTES } from './classic-member.ts'
import type { GroupConfig } from './group-config.ts'
import { type GroupEntry, type GroupSaved, groupEntry, groupOf } from './group-journal.ts'
import type {
  DeletedGroup,
  GroupClient,
  GroupDescription,
  HeartbeatRequest,
  JoinAnswer,
  JoinRequest,
  LeaveAnswer,
  ListedGroup,
  ListGroupsRequest,
  SyncAnswer,
  SyncRequest
} from './group-messages.ts'
import { GroupOffsets } from './group-offsets.ts'
import { heartbeat } from './heartbeat.ts'
import { joinGroup } from './join-group.ts'
import { type Leaver, leaveGroup } from './leave-group.ts'
import { Rebalance } from './rebalance.ts'
import { syncGroup } from './sync-group.ts'

export interface GroupCoordinatorParts {
  readonly config: GroupConfig
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Offsets of a topic go with it. */
  readonly topics: Pick<Topics, 'byName' | 'onDelete'>
  readonly journal: StateJournal
}

/** From here on DescribeGroups calls a group that does not exist an error; before, a dead group. */
const NAMES_MISSING_GROUPS_FROM = 6

/** Owns the groups: members, generations and offsets. */
export class GroupCoordinator {
  readonly offsets: GroupOffsets
  readonly #parts: GroupCoordinatorParts
  readonly #journal: ChangeJournal<GroupEntry>
  readonly #rebalance: Rebalance
  readonly #groups = new Map<string, ClassicGroup>()
  /** By group: what the journal says. A round that is under way is not in it, and begins anew after a restart. */
  readonly #saved = new Map<string, GroupSaved>()
  #cancelExpiry: () => void = () => {}

  constructor(parts: GroupCoordinatorParts) {
    this.#parts = parts
    const { config, clock, journal, logger } = parts
    this.#journal = new ChangeJournal({ journal, present: () => this.#entries(), logger })
    this.#rebalance = new Rebalance({ config, clock, logger, save: this.#save })
    this.offsets = new GroupOffsets({
      config,
      clock,
      rebalance: this.#rebalance,
      find: groupId => this.#groups.get(groupId),
      create: groupId => this.#create(groupId),
      append: (...entries) => this.#journal.append(...entries),
      logger
    })
    parts.topics.onDelete(({ name }) => this.offsets.deleteTopics(topic => topic === name))
  }

  /** Reads what earlier runs left; the sessions of their members begin anew. Called once, before the first request. */
  start(): void {
    const { topics } = this.#parts
    for (const entry of this.#journal.replay()) this.#restore(entry)
    // The process may have ended between the deletion of a topic and that of its offsets.
    this.offsets.deleteTopics(topic => topics.byName(topic) === undefined)
    for (const group of this.#groups.values()) {
      for (const member of group.members()) this.#rebalance.keepAlive(group, member)
    }
    this.#scheduleExpiry()
  }

  /** Cancels timers and gives waiting requests up. */
  close(): void {
    this.#cancelExpiry()
    for (const group of this.#groups.values()) {
      group.cancelJoinTimer()
      group.cancelSyncTimer()
      group.cancelPending()
      for (const member of group.members()) {
        member.cancelExpiry()
        group.answerJoin(member, joinError(member.memberId, ErrorCode.NOT_COORDINATOR))
        group.answerSync(member, syncError(ErrorCode.NOT_COORDINATOR))
      }
    }
  }

  // ── membership ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Resolves when the join phase ends, or at once where there is nothing to wait for. */
  join(request: JoinRequest, client: GroupClient): Promise<JoinAnswer> {
    return new Promise(resolve => this.#join(request, client, resolve))
  }

  #join(request: JoinRequest, client: GroupClient, respond: (answer: JoinAnswer) => void): void {
    const { groupId, memberId, sessionTimeoutMs } = request
    const { config, random } = this.#parts
    if (groupId === '') return respond(joinError(memberId, ErrorCode.INVALID_GROUP_ID))
    if (sessionTimeoutMs < config.groupMinSessionTimeoutMs || sessionTimeoutMs > config.groupMaxSessionTimeoutMs) {
      return respond(joinError(memberId, ErrorCode.INVALID_SESSION_TIMEOUT))
    }
    let group = this.#groups.get(groupId)
    if (group === undefined) {
      if (memberId !== '') return respond(joinError(memberId, ErrorCode.UNKNOWN_MEMBER_ID))
      group = this.#create(groupId)
    }
    const owned = {
      ...request,
      rebalanceTimeoutMs: client.version === 0 ? sessionTimeoutMs : request.rebalanceTimeoutMs,
      // The metadata are views into the request's frame, and outlive it.
      protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) }))
    }
    const newMemberId = (prefix: string) => `${prefix}-${randomUuid(random)}`
    joinGroup({ config, rebalance: this.#rebalance, newMemberId, save: this.#save }, group, owned, client, respond)
  }

  /** Resolves when the leader's assignment is there. */
  sync(request: SyncRequest): Promise<SyncAnswer> {
    return new Promise(resolve => {
      if (request.groupId === '') return resolve(syncError(ErrorCode.INVALID_GROUP_ID))
      const group = this.#groups.get(request.groupId)
      if (group === undefined || group.isIn('Empty')) return resolve(syncError(ErrorCode.UNKNOWN_MEMBER_ID))
      syncGroup(this.#rebalance, group, request, resolve)
    })
  }

  /** @returns an error code. */
  heartbeat(request: HeartbeatRequest): number {
    if (request.groupId === '') return ErrorCode.INVALID_GROUP_ID
    const group = this.#groups.get(request.groupId)
    return group === undefined ? ErrorCode.UNKNOWN_MEMBER_ID : heartbeat(this.#rebalance, group, request)
  }

  leave(groupId: string, leavers: readonly Leaver[]): LeaveAnswer {
    if (groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID, members: [] }
    const group = this.#groups.get(groupId)
    if (group !== undefined) return leaveGroup(this.#rebalance, group, leavers)
    const errorCode = ErrorCode.UNKNOWN_MEMBER_ID
    return { errorCode: ErrorCode.NONE, members: leavers.map(leaver => ({ ...leaver, errorCode })) }
  }

  /**
   * Ends a member's session now, as if its heartbeats had stayed out. For tests of whatever must survive it.
   *
   * @returns False when there is no such member, or it waits for an answer and so needs no heartbeat.
   */
  expireSession(groupId: string, memberId: string): boolean {
    const group = this.#groups.get(groupId)
    const member = group?.member(memberId)
    if (group === undefined || member === undefined || member.excusedFromHeartbeats) return false
    this.#rebalance.expire(group, member)
    return true
  }

  // ── administration ───────────────────────────────────────────────────────────────────────────────────────────────

  describe(groupId: string, version: number): GroupDescription {
    const group = this.#groups.get(groupId)
    if (group === undefined) {
      const isError = version >= NAMES_MISSING_GROUPS_FROM
      return {
        errorCode: isError ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.NONE,
        errorMessage: isError ? `Group ${groupId} not found.` : null,
        groupId,
        groupState: 'Dead',
        protocolType: '',
        protocolData: '',
        members: []
      }
    }
    const isStable = group.isIn('Stable')
    return {
      errorCode: ErrorCode.NONE,
      groupId,
      groupState: group.state,
      protocolType: group.protocolType ?? '',
      protocolData: isStable ? (group.protocolName ?? '') : '',
      members: [...group.members()].map(member => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        memberMetadata: isStable ? member.metadata(group.protocolName) : NO_BYTES,
        memberAssignment: member.assignment
      }))
    }
  }

  /** Filters are Kafka's names, in any case; empty lets all pass. */
  list({ statesFilter, typesFilter }: ListGroupsRequest): readonly ListedGroup[] {
    const states = new Set(statesFilter.map(state => state.toLowerCase()))
    const types = new Set(typesFilter.map(type => type.toLowerCase()))
    if (types.size > 0 && !types.has('classic')) return []
    const listed: ListedGroup[] = []
    for (const group of this.#groups.values()) {
      if (states.size > 0 && !states.has(group.state.toLowerCase())) continue
      const { groupId, protocolType, state } = group
      listed.push({ groupId, protocolType: protocolType ?? '', groupState: state, groupType: 'classic' })
    }
    return listed
  }

  /** Deletes groups without members, with their offsets. */
  delete(groupIds: readonly string[]): readonly DeletedGroup[] {
    return groupIds.map(groupId => {
      const group = this.#groups.get(groupId)
      if (group === undefined) return { groupId, errorCode: ErrorCode.GROUP_ID_NOT_FOUND }
      if (!group.isIn('Empty')) return { groupId, errorCode: ErrorCode.NON_EMPTY_GROUP }
      this.#delete(group)
      return { groupId, errorCode: ErrorCode.NONE }
    })
  }

  // ── state ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #create(groupId: string): ClassicGroup {
    const group = new ClassicGroup(groupId, this.#parts.clock.nowMs())
    this.#save(group)
    this.#groups.set(groupId, group)
    return group
  }

  #delete(group: ClassicGroup): void {
    const { groupId } = group
    this.#journal.append({ kind: 'group-deleted', groupId })
    this.offsets.deleteAll(groupId)
    group.cancelPending()
    group.transitionTo('Dead', this.#parts.clock.nowMs())
    this.#groups.delete(groupId)
    this.#saved.delete(groupId)
  }

  #scheduleExpiry(): void {
    const { clock, config } = this.#parts
    this.#cancelExpiry = clock.setTimer(config.offsetsRetentionCheckIntervalMs, () => {
      this.#scheduleExpiry()
      for (const group of [...this.#groups.values()]) {
        if (this.offsets.expire(group) && group.isIn('Empty')) this.#delete(group)
      }
    })
  }

  #save = (group: ClassicGroup): void => {
    const entry = groupEntry(group)
    this.#journal.append(entry)
    this.#saved.set(group.groupId, entry)
  };

  *#entries(): Generator<GroupEntry> {
    yield* this.#saved.values()
    yield* this.offsets.entries()
  }

  #restore(entry: GroupEntry): void {
    if (entry.kind === 'group') {
      this.#groups.set(entry.groupId, groupOf(entry))
      this.#saved.set(entry.groupId, entry)
    } else if (entry.kind === 'group-deleted') {
      this.#groups.delete(entry.groupId)
      this.#saved.delete(entry.groupId)
      this.offsets.restore(entry)
    } else {
      this.offsets.restore(entry)
    }
  }
}
