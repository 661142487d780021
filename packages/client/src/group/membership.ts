import type { GroupMetadata } from '@millrace/streams/ports'
import { groupError, type Reaction } from './group-answers.ts'
import type { GroupSession } from './group-session.ts'
import { Heartbeats } from './heartbeats.ts'
import { isOver, isRebalancing, type MemberEvent, type MemberState, TRANSITIONS } from './member-states.ts'
import { Signal } from './signal.ts'

export const INTERRUPTED = Symbol('interrupted')

export interface Failure {
  readonly error: Error
  /** Whether the group, rather than the listener, ended the membership: then the listener learns what it lost first. */
  readonly lost: boolean
}

/**
 * The member's state, and what changes it from outside of its loop: heartbeats, the clock, the application.
 * Everything here is synchronous; the loop finds the new state when it is woken.
 */
export class Membership {
  readonly heartbeats: Heartbeats
  /** Why to join (again); undefined while there is no need. */
  joinReason: string | undefined = 'the member starts'
  failure: Failure | undefined
  lossReason = ''
  readonly #session: GroupSession
  /** Any change that the idle loop should look at. */
  readonly #changed = new Signal()
  /** The end of the membership, for what is under way. */
  readonly #ended = new Signal()
  readonly #settled = new Signal()
  #state: MemberState = 'unjoined'
  #metadata: GroupMetadata | undefined

  /** @param onTick Called once per heartbeat interval while the member is stable and content. */
  constructor(session: GroupSession, onTick: () => void) {
    this.#session = session
    this.heartbeats = new Heartbeats(session, {
      onReaction: (reaction, errorCode) => this.#heartbeatAnswered(reaction, errorCode),
      onExpired: () => this.expire(),
      onFailure: error => this.fail({ error: asError(error), lost: true }),
      onTick: () => {
        if (this.#state === 'stable' && this.joinReason === undefined) onTick()
      }
    })
  }

  get state(): MemberState {
    return this.#state
  }

  get metadata(): GroupMetadata | undefined {
    // After a stop of the process this may be read before any timer fires.
    if (this.#metadata !== undefined && this.heartbeats.expired) this.expire()
    return this.#metadata
  }

  get isRebalancing(): boolean {
    return isRebalancing(this.#state)
  }

  /** Look here after each wait: the end may have come in the same turn as what was waited for. */
  get hasEnded(): boolean {
    return this.#state === 'lost' || isOver(this.#state)
  }

  whenStable(): Promise<void> {
    return this.isRebalancing ? this.#settled.wait() : Promise.resolve()
  }

  move(event: MemberEvent): void {
    const next = TRANSITIONS[this.#state][event]
    if (next === undefined) throw new Error(`a group member cannot ${event} while ${this.#state}`)
    this.#state = next
    if (!isRebalancing(next)) this.#settled.notify()
  }

  /** The present generation is assigned: from now on commits name it. */
  synced(): void {
    const { groupId, generationId, memberId, groupInstanceId } = this.#session
    this.#metadata = { groupId, generationId, memberId, groupInstanceId }
    this.move('synced')
  }

  wantJoin(reason: string): void {
    if (isOver(this.#state)) return
    this.joinReason ??= reason
    this.#changed.notify()
  }

  /** Until something happened that the idle loop should look at. */
  whenChanged(): Promise<void> {
    return this.#changed.wait()
  }

  expire(): void {
    const { sessionTimeoutMs } = this.#session
    this.lose(`no heartbeat was answered within the session time-out of ${sessionTimeoutMs} ms`, 'lose-generation')
  }

  /** The member id is kept where the coordinator may know it still: beside a new one the old would linger until its session ends. */
  lose(reason: string, reaction: 'lose-generation' | 'lose-membership'): void {
    if (isOver(this.#state) || this.#state === 'lost') return
    if (reaction === 'lose-membership') this.#session.memberId = ''
    this.lossReason = reason
    this.#end('lose')
  }

  fail(failure: Failure): void {
    if (isOver(this.#state)) return
    this.failure = failure
    this.#end('fail')
  }

  leave(): void {
    this.#end('leave')
  }

  /** Waits for `work`, but no longer than the membership lasts. What is abandoned must change nothing when it settles. */
  unlessEnded<T>(work: Promise<T>): Promise<T | typeof INTERRUPTED> {
    return new Promise((resolve, reject) => {
      const forget = this.#ended.once(() => resolve(INTERRUPTED))
      work.then(resolve, reject).finally(forget)
    })
  }

  #heartbeatAnswered(reaction: Reaction, errorCode: number): void {
    switch (reaction) {
      case 'rejoin':
        if (this.#state === 'stable' || this.#state === 'revoking') this.wantJoin('the group rebalances')
        return
      case 'lose-generation':
        // While a join is under way the group may have moved on with us; its answer will tell.
        if (this.#state !== 'joining') this.lose('the group moved on to another generation', reaction)
        return
      case 'lose-membership':
        return this.lose('the coordinator does not know this member any more', reaction)
      default:
        return this.fail({ error: groupError('Heartbeat', errorCode, this.#session.describe()), lost: true })
    }
  }

  #end(event: MemberEvent): void {
    this.heartbeats.stop()
    this.#metadata = undefined
    this.#session.generationId = -1
    // A join that the coordinator holds back would hold back the next one on its connection.
    this.#session.cluster.closeLane(this.#session.joinLane)
    this.move(event)
    this.#ended.notify()
    this.#changed.notify()
  }
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
