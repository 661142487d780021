import { Heartbeat } from '@millrace/protocol'
import { isStreamsError } from '@millrace/streams/core'
import { Backoff } from '../backoff.ts'
import type { Reaction } from './group-answers.ts'
import type { GroupSession } from './group-session.ts'

export interface HeartbeatEvents {
  /** The coordinator answered with something other than yes, to the membership that is still the present one. */
  onReaction(reaction: Reaction, errorCode: number): void
  /** No heartbeat was answered for longer than the session time-out: the coordinator has given this member up, or soon will. */
  onExpired(): void
  /** A request failed in a way that repeating does not help. */
  onFailure(error: unknown): void
  /** Once per interval. */
  onTick(): void
}

/**
 * Heartbeats in the background, from the first join on, also while a join is pending and while the listener works.
 *
 * The session is counted from the moment an answered heartbeat was *sent*: the coordinator starts counting later, so it
 * never gives the partitions to another before this member has noticed, even if the process was stopped meanwhile.
 */
export class Heartbeats {
  readonly #session: GroupSession
  readonly #events: HeartbeatEvents
  readonly #backoff: Backoff
  #running = false
  /** Answers to heartbeats of an earlier membership are nobody's. */
  #epoch = 0
  #inFlight = false
  #lastAcknowledgedMs = 0
  #cancelTimer: (() => void) | undefined

  constructor(session: GroupSession, events: HeartbeatEvents) {
    this.#session = session
    this.#events = events
    this.#backoff = new Backoff(session.retryBackoff.firstMs, session.retryBackoff.maxMs, session.random)
  }

  get running(): boolean {
    return this.#running
  }

  /** True when the session may have ended at the coordinator. Reads the clock, not a timer, which may be late. */
  get expired(): boolean {
    return this.#running && this.#session.clock.monotonicMs() > this.#deadlineMs
  }

  start(): void {
    if (this.#running) return
    this.#running = true
    this.#epoch++
    this.#inFlight = false
    this.#lastAcknowledgedMs = this.#session.clock.monotonicMs()
    this.#backoff.reset()
    this.#schedule(this.#session.heartbeatIntervalMs)
  }

  stop(): void {
    this.#running = false
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  /** The coordinator acted on a request sent at `sentMs`, which restarts the session there. */
  acknowledge(sentMs: number): void {
    if (sentMs > this.#lastAcknowledgedMs) this.#lastAcknowledgedMs = sentMs
  }

  get #deadlineMs(): number {
    return this.#lastAcknowledgedMs + this.#session.sessionTimeoutMs
  }

  #schedule(delayMs: number): void {
    this.#cancelTimer?.()
    const untilDeadlineMs = Math.max(0, this.#deadlineMs - this.#session.clock.monotonicMs()) + 1
    this.#cancelTimer = this.#session.clock.setTimer(Math.min(delayMs, untilDeadlineMs), () => this.#tick())
  }

  #tick(): void {
    if (!this.#running) return
    if (this.expired) return this.#events.onExpired()
    this.#schedule(this.#session.heartbeatIntervalMs)
    if (!this.#inFlight) void this.#send(this.#epoch)
    this.#events.onTick()
  }

  async #send(epoch: number): Promise<void> {
    const { cluster, clock, coordinator, groupId, groupInstanceId, memberId, generationId } = this.#session
    const sentMs = clock.monotonicMs()
    this.#inFlight = true
    let errorCode: number
    try {
      const answer = await cluster.request(
        coordinator,
        Heartbeat,
        { groupId, generationId, memberId, groupInstanceId: groupInstanceId ?? null },
        // Half a session, so that one connection that swallows requests still leaves time to try another.
        { lane: this.#session.heartbeatLane, timeoutMs: Math.ceil(this.#session.sessionTimeoutMs / 2) }
      )
      errorCode = answer.errorCode
    } catch (error) {
      if (this.#isCurrent(epoch)) this.#requestFailed(error)
      return
    }
    if (!this.#isCurrent(epoch)) return
    this.#inFlight = false
    this.#answered(errorCode, sentMs, memberId, generationId)
  }

  #answered(errorCode: number, sentMs: number, memberId: string, generationId: number): void {
    const reaction = this.#session.reactionTo('Heartbeat', errorCode)
    if (reaction === 'accept' || reaction === 'rejoin') {
      this.acknowledge(sentMs)
      this.#backoff.reset()
    }
    // An answer that comes after a stop of the whole process proves nothing about now.
    if (this.expired) return this.#events.onExpired()
    if (reaction === 'accept') return
    if (reaction === 'retry' || reaction === 'find-coordinator') {
      if (reaction === 'find-coordinator') this.#session.forgetCoordinator()
      return this.#schedule(Math.min(this.#backoff.nextMs(), this.#session.heartbeatIntervalMs))
    }
    // A join may have been answered while this heartbeat was under way; then it speaks of the past.
    if (memberId === this.#session.memberId && generationId === this.#session.generationId) {
      this.#events.onReaction(reaction, errorCode)
    }
  }

  #requestFailed(error: unknown): void {
    this.#inFlight = false
    this.#session.unanswered('Heartbeat')
    if (this.expired) return this.#events.onExpired()
    if (!isStreamsError(error) || error.action !== 'retry') return this.#events.onFailure(error)
    this.#session.logger.debug('heartbeat failed', { groupId: this.#session.groupId, error: error.message })
    this.#session.forgetCoordinator()
    this.#schedule(Math.min(this.#backoff.nextMs(), this.#session.heartbeatIntervalMs))
  }

  #isCurrent(epoch: number): boolean {
    return this.#running && this.#epoch === epoch
  }
}
