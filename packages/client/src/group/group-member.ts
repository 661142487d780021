import { LeaveGroup } from '@millrace/protocol'
import { StreamsError } from '@millrace/streams/core'
import type { AssignorResult, GroupMember, GroupMetadata, TopicPartition } from '@millrace/streams/ports'
import { Backoff } from '../backoff.ts'
import { sleep } from '../sleep.ts'
import { groupError, type Reaction } from './group-answers.ts'
import { type GroupMemberDependencies, GroupSession } from './group-session.ts'
import { Heartbeats } from './heartbeats.ts'
import { isOver, isRebalancing, type MemberEvent, type MemberState, TRANSITIONS } from './member-states.ts'
import { partitionsWithout } from './partition-set.ts'
import { assign, type Joined, join, type Setback, type Synced, sync } from './rebalance-round.ts'
import { Signal } from './signal.ts'
import { TopicWatch } from './topic-watch.ts'

/** How long `leave` waits for its answer. Without one the session ends by its time-out. */
const LEAVE_TIMEOUT_MS = 5_000
const RETRY_MS = 100
const MAX_RETRY_MS = 1_000
const INTERRUPTED = Symbol('interrupted')

interface Failure {
  readonly error: Error
  /** Whether the group, rather than the listener, ended the membership: then the listener learns what it lost first. */
  readonly lost: boolean
}

/**
 * A member of a classic consumer group with incremental rebalances (KIP-429).
 *
 * One loop (`#run`) does everything that takes time: joins, syncs and calls of the listener, one after the other.
 * Heartbeats, `rejoin` and `leave` only change the state and wake the loop.
 */
export class ClassicGroupMember implements GroupMember {
  readonly #session: GroupSession
  readonly #heartbeats: Heartbeats
  readonly #watch: TopicWatch
  readonly #backoff: Backoff
  /** Any change that the idle loop should look at. */
  readonly #changed = new Signal()
  /** The end of the membership, for requests that are under way. */
  readonly #ended = new Signal()
  readonly #settled = new Signal()
  #state: MemberState = 'unjoined'
  #metadata: GroupMetadata | undefined
  #owned: readonly TopicPartition[] = []
  #ownedGenerationId = -1
  /** Why to join (again); undefined while there is no need. */
  #joinReason: string | undefined = 'the member starts'
  #lossReason = ''
  /** Counts the rebalances that this member began: what an abandoned one finds out is not acted on. */
  #round = 0
  #failure: Failure | undefined
  #left: Promise<void> | undefined

  constructor(dependencies: GroupMemberDependencies) {
    this.#session = new GroupSession(dependencies)
    this.#backoff = new Backoff(RETRY_MS, MAX_RETRY_MS, dependencies.random)
    this.#watch = new TopicWatch(this.#session, reason => this.#wantJoin(reason))
    this.#heartbeats = new Heartbeats(this.#session, {
      onReaction: (reaction, errorCode) => this.#heartbeatAnswered(reaction, errorCode),
      onExpired: () => this.#expire(),
      onFailure: error => this.#fail(asError(error), true),
      onTick: () => {
        if (this.#state === 'stable' && this.#joinReason === undefined) this.#watch.check()
      }
    })
    this.#move('join')
    void this.#run()
  }

  get metadata(): GroupMetadata | undefined {
    // After a stop of the process this may be read before any timer fires.
    if (this.#metadata !== undefined && this.#heartbeats.expired) this.#expire()
    return this.#metadata
  }

  get rebalancing(): boolean {
    return isRebalancing(this.#state)
  }

  /** For tests and logs. */
  get state(): MemberState {
    return this.#state
  }

  whenStable(): Promise<void> {
    return this.rebalancing ? this.#settled.wait() : Promise.resolve()
  }

  rejoin(): void {
    this.#wantJoin('the application asks for it')
  }

  leave(): Promise<void> {
    this.#left ??= this.#leave()
    return this.#left
  }

  // ── the loop ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #run(): Promise<void> {
    try {
      while (!isOver(this.#state)) await this.#step()
    } catch (error) {
      this.#fail(asError(error), true)
    }
    if (this.#state === 'fatal') await this.#reportFailure()
  }

  async #step(): Promise<void> {
    switch (this.#state) {
      case 'unjoined':
        return this.#move('join')
      case 'joining':
        return this.#rebalance()
      case 'stable':
        if (this.#joinReason === undefined) return this.#changed.wait()
        return this.#move('join')
      case 'lost':
        return this.#giveUp()
      default:
        throw new Error(`the loop cannot begin a step while ${this.#state}`)
    }
  }

  /** Joins and syncs once, keeping what is held, and hands the outcome to the listener. */
  async #rebalance(): Promise<void> {
    const reason = this.#joinReason ?? 'the last attempt failed'
    // Taken now: a wish that arrives while the join is under way may want newer user data than was sent.
    this.#joinReason = undefined
    const topics = this.#session.options.topics()
    this.#watch.subscribed(topics)
    const joined = await this.#unlessEnded(
      join(
        this.#session,
        {
          topics,
          userData: this.#session.options.assignor.userData(),
          owned: this.#owned,
          generationId: this.#ownedGenerationId
        },
        reason
      )
    )
    if (joined === INTERRUPTED) return
    if (joined.reaction !== 'accept') return this.#setBack(joined)
    if (this.#heartbeats.expired) return this.#expire()
    this.#joined(joined)

    const synced = await this.#unlessEnded(this.#sync(joined))
    if (synced === INTERRUPTED) return
    if (synced.reaction !== 'accept') return this.#setBack(synced)
    if (this.#heartbeats.expired) return this.#expire()
    await this.#synced(synced.assignment)
  }

  #joined({ memberId, generationId, members }: Joined): void {
    this.#session.memberId = memberId
    this.#session.generationId = generationId
    this.#move('joined')
    this.#heartbeats.start()
    this.#session.logger.debug('joined group', {
      groupId: this.#session.groupId,
      memberId,
      generationId,
      leader: members !== undefined
    })
  }

  async #sync({ members, protocolName, skipAssignment }: Joined): Promise<Synced | Setback> {
    const round = ++this.#round
    let results: ReadonlyMap<string, AssignorResult> = new Map()
    if (members === undefined) {
      this.#watch.follow()
    } else {
      try {
        await this.#watch.lead(new Set(members.flatMap(member => member.topics)))
      } catch (error) {
        return { reaction: 'retry', reason: `the group's topics could not be read: ${asError(error).message}`, error }
      }
      if (!skipAssignment) {
        const assigned = await assign(this.#session, members)
        if (assigned.reaction !== 'accept') return assigned
        results = assigned.results
      }
    }
    // The assignor may have taken its time, and the membership may have ended meanwhile.
    if (round !== this.#round || this.#state !== 'syncing')
      return { reaction: 'rejoin', reason: 'the membership ended' }
    const sentMs = this.#session.clock.monotonicMs()
    const synced = await sync(this.#session, protocolName, results)
    if (synced.reaction === 'accept' && round === this.#round) this.#heartbeats.acknowledge(sentMs)
    return synced
  }

  async #synced({ partitions, userData }: AssignorResult): Promise<void> {
    const revoked = partitionsWithout(this.#owned, partitions)
    const added = partitionsWithout(partitions, this.#owned)
    this.#backoff.reset()
    this.#ownedGenerationId = this.#session.generationId
    // Before the revocation: its commit has to name the generation that the group is in now.
    this.#metadata = {
      groupId: this.#session.groupId,
      generationId: this.#session.generationId,
      memberId: this.#session.memberId,
      groupInstanceId: this.#session.groupInstanceId
    }
    this.#move('synced')

    if (revoked.length > 0) {
      this.#move('revoke')
      const done = await this.#tellListener(() => this.#session.options.listener.onRevoked(revoked))
      if (done) this.#owned = partitionsWithout(this.#owned, revoked)
      if (this.#state !== 'revoking') return
      this.#move('revoked')
      // The leader withheld these from their new owners; our next join says that they are free.
      this.#wantJoin(`${revoked.length} partitions were given up`)
    }
    this.#owned = [...this.#owned, ...added]
    await this.#tellListener(() => this.#session.options.listener.onAssigned(added, this.#owned, userData))
  }

  async #setBack({ reaction, reason, error }: Setback): Promise<void> {
    const { logger, groupId } = this.#session
    switch (reaction) {
      case 'name-yourself':
        this.#session.memberId = reason
        this.#joinReason = 'the coordinator wants a member id'
        return this.#move('join')
      case 'lose-generation':
      case 'lose-membership':
        return this.#lose(reason, reaction)
      case 'fail':
        return this.#fail(asError(error), true)
      default:
        break
    }
    logger.debug('rebalance starts over', { groupId, reason })
    const superseded = this.#state === 'syncing' && reaction === 'rejoin'
    this.#joinReason ??= reason
    this.#move('join')
    if (superseded) return
    if (reaction === 'find-coordinator') this.#session.forgetCoordinator()
    await this.#unlessEnded(this.#waitToRetry())
  }

  /** The membership ended: tells the listener, then starts from the beginning. */
  async #giveUp(): Promise<void> {
    const lost = this.#owned
    const reason = this.#lossReason
    this.#owned = []
    this.#ownedGenerationId = -1
    if (lost.length > 0) {
      this.#session.logger.warn('lost membership of group', {
        groupId: this.#session.groupId,
        reason,
        partitions: lost.length
      })
      const done = await this.#tellListener(() => this.#session.options.listener.onLost(lost))
      if (!done) return
    }
    await this.#unlessEnded(this.#waitToRetry())
    if (this.#state !== 'lost') return
    this.#joinReason = reason
    this.#move('reset')
  }

  async #reportFailure(): Promise<void> {
    const { logger, groupId, options } = this.#session
    if (this.#failure === undefined) return
    const { error, lost } = this.#failure
    logger.error('gave up membership of group', { groupId, error: error.message })
    const owned = this.#owned
    this.#owned = []
    try {
      if (lost && owned.length > 0) await options.listener.onLost(owned)
      options.listener.onFatal(error)
    } catch (thrown) {
      logger.error('the listener failed while it was told of a failure', { groupId, error: String(thrown) })
    }
  }

  // ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #wantJoin(reason: string): void {
    if (isOver(this.#state)) return
    this.#joinReason ??= reason
    this.#changed.notify()
  }

  #heartbeatAnswered(reaction: Reaction, errorCode: number): void {
    switch (reaction) {
      case 'rejoin':
        if (this.#state === 'stable' || this.#state === 'revoking') this.#wantJoin('the group rebalances')
        return
      case 'lose-generation':
        // While a join is under way the group may have moved on with us; its answer will tell.
        if (this.#state !== 'joining') this.#lose('the group moved on to another generation', reaction)
        return
      case 'lose-membership':
        return this.#lose('the coordinator does not know this member any more', reaction)
      default:
        return this.#fail(groupError('Heartbeat', errorCode, this.#session.describe()), true)
    }
  }

  #expire(): void {
    const { sessionTimeoutMs } = this.#session
    this.#lose(`no heartbeat was answered within the session time-out of ${sessionTimeoutMs} ms`, 'lose-generation')
  }

  /** The member id is kept where the coordinator may know it still: under a new one the old would linger until its session ends. */
  #lose(reason: string, reaction: 'lose-generation' | 'lose-membership'): void {
    if (isOver(this.#state) || this.#state === 'lost') return
    if (reaction === 'lose-membership') this.#session.memberId = ''
    this.#endMembership()
    this.#lossReason = reason
    this.#move('lose')
    this.#ended.notify()
    this.#changed.notify()
  }

  #fail(error: Error, lost: boolean): void {
    if (isOver(this.#state)) return
    this.#endMembership()
    this.#failure = { error, lost }
    this.#move('fail')
    this.#ended.notify()
    this.#changed.notify()
  }

  async #leave(): Promise<void> {
    const { cluster, coordinator, groupId, groupInstanceId, heartbeatLane, logger, memberId } = this.#session
    this.#endMembership()
    this.#move('leave')
    this.#ended.notify()
    this.#changed.notify()
    // A static member is expected back: its partitions wait for it until the session ends.
    if (memberId === '' || groupInstanceId !== undefined) return cluster.closeLane(heartbeatLane)
    try {
      const reason = 'the member leaves'
      await cluster.request(
        coordinator,
        LeaveGroup,
        { groupId, memberId, members: [{ memberId, groupInstanceId: null, reason }] },
        { lane: heartbeatLane, timeoutMs: LEAVE_TIMEOUT_MS }
      )
    } catch (error) {
      logger.debug('LeaveGroup failed; the session ends by its time-out', { groupId, memberId, error: String(error) })
    } finally {
      cluster.closeLane(heartbeatLane)
    }
  }

  #endMembership(): void {
    this.#heartbeats.stop()
    this.#metadata = undefined
    this.#session.generationId = -1
    // A join that the coordinator holds back would hold back the next one on its connection.
    this.#session.cluster.closeLane(this.#session.joinLane)
  }

  // ── small parts ──────────────────────────────────────────────────────────────────────────────────────────────────

  #waitToRetry(): Promise<void> {
    return sleep(this.#session.clock, this.#backoff.nextMs())
  }

  #move(event: MemberEvent): void {
    const next = TRANSITIONS[this.#state][event]
    if (next === undefined) throw new Error(`a group member cannot ${event} while ${this.#state}`)
    this.#state = next
    if (!isRebalancing(next)) this.#settled.notify()
  }

  /** Waits for `work`, but no longer than the membership lasts. What is abandoned changes nothing when it settles. */
  async #unlessEnded<T>(work: Promise<T>): Promise<T | typeof INTERRUPTED> {
    const ended: Promise<typeof INTERRUPTED> = this.#ended.wait().then(() => INTERRUPTED)
    const result = await Promise.race([work, ended])
    return this.#state === 'lost' || isOver(this.#state) ? INTERRUPTED : result
  }

  /** False when it threw, which ends the membership: what the listener did, and left undone, is unknown. */
  async #tellListener(call: () => Promise<void>): Promise<boolean> {
    try {
      await call()
      return true
    } catch (error) {
      const { groupId } = this.#session
      const message = `The listener of group '${groupId}' threw: ${asError(error).message}. The member gave up; see the cause.`
      this.#fail(new StreamsError('GROUP_LISTENER_FAILED', message, { cause: error, details: { groupId } }), false)
      return false
    }
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
