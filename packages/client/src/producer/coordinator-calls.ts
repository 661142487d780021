import type { Api, RequestOf, ResponseOf } from '@millrace/protocol'
import { isStreamsError } from '@millrace/streams/core'
import type { Clock, Logger, Random } from '@millrace/streams/ports'
import { Backoff, type RetryBackoff } from '../backoff.ts'
import type { Cluster, Target } from '../cluster.ts'
import { KafkaErrorCode } from '../kafka-error-code.ts'
import { type CoordinatorVerdict, coordinatorVerdict } from './coordinator-verdict.ts'
import type { Interruptible } from './interruptible.ts'

export interface CoordinatorCall<A extends Api> {
  readonly target: Target
  readonly api: A
  /** Asked anew for each attempt. */
  readonly body: () => RequestOf<A>
  /** The code that decides over an answer. */
  readonly codeOf: (answer: ResponseOf<A>) => number
  readonly maxVersion?: number
  readonly minVersion?: number
  readonly timeoutMs: number
  /** Ends the attempts early, as if the time were over. */
  readonly givenUp?: () => boolean
}

export interface CallOutcome<A extends Api> {
  /** `timed-out`: passing errors, or no answers, until the time was over. */
  readonly verdict: Exclude<CoordinatorVerdict, 'retry' | 'retry-elsewhere'> | 'timed-out'
  /** Undefined: the last attempt was not answered. */
  readonly errorCode: number | undefined
  /** To the last attempt. */
  readonly answer: ResponseOf<A> | undefined
  /** Some attempt was not answered, or by an error that says nothing: it may have been carried out, whatever the last answer says. */
  readonly unanswered: boolean
  readonly cause: unknown
}

// A transaction's markers take a few milliseconds to be written, and until then the next one gets CONCURRENT_TRANSACTIONS. That is no
// failure, and it waits for no longer than for one.
const MARKERS_BACKOFF: RetryBackoff = { firstMs: 5, maxMs: 500 }

/** Asks a coordinator until it gives a final answer or the time is over. */
export class CoordinatorCalls {
  readonly #cluster: Cluster
  readonly #clock: Clock
  readonly #random: Random
  readonly #logger: Logger
  readonly #interruptible: Interruptible
  readonly #retry: RetryBackoff

  constructor(
    parts: { readonly cluster: Cluster; readonly clock: Clock; readonly random: Random; readonly logger: Logger },
    interruptible: Interruptible,
    retryBackoff: RetryBackoff
  ) {
    this.#cluster = parts.cluster
    this.#clock = parts.clock
    this.#random = parts.random
    this.#logger = parts.logger
    this.#interruptible = interruptible
    this.#retry = retryBackoff
  }

  /** @throws StreamsError that is no matter of time (`CLIENT_UNSUPPORTED_VERSION`, authentication), or `CLIENT_CLOSED`. */
  async call<A extends Api>(call: CoordinatorCall<A>): Promise<CallOutcome<A>> {
    const { target, api } = call
    const deadlineMs = this.#clock.monotonicMs() + call.timeoutMs
    const { firstMs, maxMs } = this.#retry
    const backoff = new Backoff(firstMs, maxMs, this.#random)
    const markersBackoff = new Backoff(
      Math.min(firstMs, MARKERS_BACKOFF.firstMs),
      Math.min(maxMs, MARKERS_BACKOFF.maxMs),
      this.#random
    )
    let unanswered = false
    for (;;) {
      let answer: ResponseOf<A> | undefined
      let errorCode: number | undefined
      let cause: unknown
      try {
        answer = await this.#interruptible.run(
          this.#cluster.request(target, api, call.body(), {
            lane: 'transaction',
            ...(call.maxVersion === undefined ? {} : { maxVersion: call.maxVersion }),
            ...(call.minVersion === undefined ? {} : { minVersion: call.minVersion })
          })
        )
        errorCode = call.codeOf(answer)
      } catch (error) {
        if (!isStreamsError(error) || error.action !== 'retry') throw error
        cause = error
        unanswered = true
        this.#cluster.forgetCoordinator(target)
      }
      if (answer !== undefined && errorCode !== undefined) {
        const verdict = coordinatorVerdict(errorCode)
        if (verdict !== 'retry' && verdict !== 'retry-elsewhere') {
          return { verdict, errorCode, answer, unanswered, cause: undefined }
        }
        if (verdict === 'retry-elsewhere') this.#cluster.forgetCoordinator(target)
        if (errorCode === KafkaErrorCode.UNKNOWN_SERVER_ERROR) unanswered = true
      }
      const waitMs = (errorCode === KafkaErrorCode.CONCURRENT_TRANSACTIONS ? markersBackoff : backoff).nextMs()
      if (this.#clock.monotonicMs() + waitMs > deadlineMs || call.givenUp?.()) {
        return { verdict: 'timed-out', errorCode, answer, unanswered, cause }
      }
      this.#logger.debug(`${api.name} is tried again`, { target, errorCode, waitMs, cause })
      await this.#interruptible.sleep(waitMs)
    }
  }
}
