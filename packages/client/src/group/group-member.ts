import { LeaveGroup } from '@millrace/protocol'
import { StreamsError } from '@millrace/streams/core'
import type { AssignorResult, GroupMember, GroupMetadata, TopicPartition } from '@millrace/streams/ports'
import { Backoff } from '../backoff.ts'
import { sleep } from '../sleep.ts'
import { type GroupMemberDependencies, GroupSession } from './group-session.ts'
import { isOver, type MemberState } from './member-states.ts'
import { asError, INTERRUPTED, Membership } from './membership.ts'
import { partitionsWithout } from './partition-set.ts'
import { assign, type Joined, join, type Setback, type Synced, sync } from './rebalance-round.ts'
import { TopicWatch } from './topic-watch.ts'

/** How long `leave` waits for its answer. Without one the session ends by its time-out. */
const LEAVE_TIMEOUT_MS = 5_000
/**
 * A member of a classic consumer group with incremental rebalances (KIP-429).
 *
 * One loop (`#run`) does everything that takes time: joins, syncs and calls of the listener, one after the other.
 * Heartbeats, `rejoin` and `leave` only change the state of the membership and wake the loop.
 */
export class ClassicGroupMember implements GroupMember {
  readonly #session: GroupSession
  readonly #membership: Membership
  readonly #watch: TopicWatch
  readonly #backoff: Backoff
  #owned: readonly TopicPartition[] = []
  #ownedGenerationId = -1
  /** Counts the rebalances that this member began: what an abandoned one finds out is not acted on. */
  #round = 0
  #left: Promise<void> | undefined

  constructor(dependencies: GroupMemberDependencies) {
    this.#session = new GroupSession(dependencies)
    const { firstMs, maxMs } = this.#session.retryBackoff
    this.#backoff = new Backoff(firstMs, maxMs, dependencies.random)
    this.#membership = new Membership(this.#session, () => this.#watch.check())
    this.#watch = new TopicWatch(this.#session, reason => this.#membership.wantJoin(reason))
    this.#membership.move('join')
    void this.#run()
  }

  get metadata(): GroupMetadata | undefined {
    return this.#membership.metadata
  }

  /**
   * False while the listener works: then a commit is possible, and wanted where partitions are revoked, under the
   * generation that `metadata` names.
   */
  get rebalancing(): boolean {
    return this.#membership.isRebalancing
  }

  /** For tests. */
  get state(): MemberState {
    return this.#membership.state
  }

  whenStable(): Promise<void> {
    return this.#membership.whenStable()
  }

  rejoin(): void {
    this.#membership.wantJoin('the application asks for it')
  }

  leave(): Promise<void> {
    this.#left ??= this.#leave()
    return this.#left
  }

  async #run(): Promise<void> {
    try {
      while (!isOver(this.state)) await this.#step()
    } catch (error) {
      this.#membership.fail({ error: asError(error), lost: true })
    }
    if (this.state === 'fatal') await this.#reportFailure()
  }

  async #step(): Promise<void> {
    switch (this.state) {
      case 'unjoined':
        return this.#membership.move('join')
      case 'joining':
        return this.#rebalance()
      case 'stable':
        if (this.#membership.joinReason === undefined) return this.#membership.whenChanged()
        return this.#membership.move('join')
      case 'lost':
        return this.#giveUp()
      default:
        throw new Error(`the loop cannot begin a step while ${this.state}`)
    }
  }

  /** Joins and syncs once, keeping what is held, and hands the outcome to the listener. */
  async #rebalance(): Promise<void> {
    const { heartbeats } = this.#membership
    const joined = await this.#membership.unlessEnded(this.#join())
    if (joined === INTERRUPTED || this.#membership.hasEnded) return
    if (joined.reaction !== 'accept') return this.#setBack(joined)
    // The answer may have lain in the socket while the process was stopped; others have gone on without us then.
    if (heartbeats.expired) return this.#membership.expire()
    this.#session.memberId = joined.memberId
    this.#session.generationId = joined.generationId
    this.#membership.move('joined')
    heartbeats.start()

    const synced = await this.#membership.unlessEnded(this.#sync(joined))
    if (synced === INTERRUPTED || this.#membership.hasEnded) return
    if (synced.reaction !== 'accept') return this.#setBack(synced)
    if (heartbeats.expired) return this.#membership.expire()
    await this.#takeOver(synced.assignment)
  }

  #join(): Promise<Joined | Setback> {
    const { options } = this.#session
    const reason = this.#membership.joinReason ?? 'the last attempt failed'
    // Cleared now: a wish that arrives while the join is under way may want newer user data than was sent.
    this.#membership.joinReason = undefined
    const topics = options.topics()
    this.#watch.subscribed(topics)
    const userData = options.assignor.userData()
    return join(this.#session, { topics, userData, owned: this.#owned, generationId: this.#ownedGenerationId }, reason)
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
    const isCurrent = (): boolean => round === this.#round && this.state === 'syncing'
    if (!isCurrent()) return { reaction: 'rejoin', reason: 'the membership ended' }
    const sentMs = this.#session.clock.monotonicMs()
    const synced = await sync(this.#session, protocolName, results)
    if (synced.reaction === 'accept' && isCurrent()) this.#membership.heartbeats.acknowledge(sentMs)
    return synced
  }

  async #takeOver({ partitions, userData }: AssignorResult): Promise<void> {
    const { listener, assignor } = this.#session.options
    const { groupId, memberId, generationId, logger } = this.#session
    const revoked = partitionsWithout(this.#owned, partitions)
    const added = partitionsWithout(partitions, this.#owned)
    this.#backoff.reset()
    this.#ownedGenerationId = generationId
    // Before the revocation: its commit has to name the generation that the group is in now.
    this.#membership.synced()
    const counts = { held: partitions.length, added: added.length, revoked: revoked.length }
    logger.debug('assigned', { groupId, memberId, generationId, assignor: assignor.name, ...counts })

    if (revoked.length > 0) {
      this.#membership.move('revoke')
      const done = await this.#tellListener(() => listener.onRevoked(revoked))
      if (done) this.#owned = partitionsWithout(this.#owned, revoked)
      if (this.state !== 'revoking') return
      this.#membership.move('revoked')
      // The leader withheld these from their new owners; our next join says that they are free.
      this.#membership.wantJoin(`${revoked.length} partitions were given up`)
    }
    this.#owned = [...this.#owned, ...added]
    await this.#tellListener(() => listener.onAssigned(added, this.#owned, userData))
  }

  async #setBack({ reaction, reason, error }: Setback): Promise<void> {
    const { logger, groupId } = this.#session
    switch (reaction) {
      case 'name-yourself':
        this.#session.memberId = reason
        this.#membership.joinReason ??= 'the coordinator wanted a member id first'
        return this.#membership.move('join')
      case 'lose-generation':
      case 'lose-membership':
        return this.#membership.lose(reason, reaction)
      case 'fail':
        return this.#membership.fail({ error: asError(error), lost: true })
      default:
        break
    }
    logger.debug('the rebalance starts over', { groupId, reason })
    // A sync that is overtaken by the next rebalance is no failure.
    const overtaken = this.state === 'syncing' && reaction === 'rejoin'
    this.#membership.joinReason ??= reason
    this.#membership.move('join')
    if (overtaken) return
    if (reaction === 'find-coordinator') this.#session.forgetCoordinator()
    await this.#membership.unlessEnded(this.#waitToRetry())
  }

  /** The membership ended: tells the listener, then starts from the beginning. */
  async #giveUp(): Promise<void> {
    const { logger, groupId, options } = this.#session
    const lost = this.#owned
    const reason = this.#membership.lossReason
    this.#owned = []
    this.#ownedGenerationId = -1
    if (lost.length > 0) {
      logger.warn('lost the membership of the group', { groupId, reason, partitions: lost.length })
      const done = await this.#tellListener(() => options.listener.onLost(lost))
      if (!done) return
    }
    await this.#membership.unlessEnded(this.#waitToRetry())
    if (this.state !== 'lost') return
    this.#membership.joinReason = reason
    this.#membership.move('reset')
  }

  async #reportFailure(): Promise<void> {
    const { logger, groupId, options } = this.#session
    const { failure } = this.#membership
    if (failure === undefined) return
    logger.error('gave up the membership of the group', { groupId, error: failure.error.message })
    const owned = this.#owned
    this.#owned = []
    try {
      if (failure.lost && owned.length > 0) await options.listener.onLost(owned)
    } catch (error) {
      logger.error('the listener failed while it was told what is lost', { groupId, error: String(error) })
    }
    options.listener.onFatal(failure.error)
  }

  async #leave(): Promise<void> {
    const { cluster, coordinator, groupId, groupInstanceId, heartbeatLane, logger, memberId } = this.#session
    this.#membership.leave()
    try {
      // A static member is expected back: its partitions wait for it until the session ends.
      if (memberId === '' || groupInstanceId !== undefined) return
      const members = [{ memberId, groupInstanceId: null, reason: 'the member leaves' }]
      const options = { lane: heartbeatLane, timeoutMs: LEAVE_TIMEOUT_MS }
      await cluster.request(coordinator, LeaveGroup, { groupId, memberId, members }, options)
    } catch (error) {
      logger.debug('LeaveGroup failed; the session ends by its time-out', { groupId, memberId, error: String(error) })
    } finally {
      cluster.closeLane(heartbeatLane)
    }
  }

  #waitToRetry(): Promise<void> {
    return sleep(this.#session.clock, this.#backoff.nextMs())
  }

  /** False when it threw, which ends the membership: what the listener did, and left undone, is unknown. */
  async #tellListener(call: () => Promise<void>): Promise<boolean> {
    try {
      await call()
      return true
    } catch (cause) {
      const { groupId } = this.#session
      const message = `The listener of group '${groupId}' threw: ${asError(cause).message}. The member gave up; see the cause.`
      const error = new StreamsError('GROUP_LISTENER_FAILED', message, { cause, details: { groupId } })
      this.#membership.fail({ error, lost: false })
      return false
    }
  }
}
