import { isStreamsError } from '@millrace/streams/core'
import type { Clock, Logger, Random } from '@millrace/streams/ports'
import { Backoff, DEFAULT_RETRY_BACKOFF, type RetryBackoff } from '../backoff.ts'
import type { Cluster } from '../cluster.ts'
import { sleep } from '../sleep.ts'

export interface AdminDependencies {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly retryBackoff?: RetryBackoff
}

/** How long one call of the admin goes on trying. Kafka's `default.api.timeout.ms`. */
const CALL_TIMEOUT_MS = 60_000

/** What one attempt came to. */
export type Attempt<T> =
  | { readonly done: true; readonly value: T }
  /**
   * Passing. `error` is thrown when the time is up; `patient`: not for `CALL_TIMEOUT_MS`, only for the time-out that the caller gave;
   * `unexpected`: the broker met an error that it did not expect, which somebody may have to look at.
   */
  | { readonly done: false; readonly error: Error; readonly patient?: boolean; readonly unexpected?: boolean }

/** The admin's ports, and how its calls are retried. */
export class AdminSession {
  readonly cluster: Cluster
  readonly logger: Logger
  readonly #clock: Clock
  readonly #random: Random
  readonly #retry: RetryBackoff

  constructor({ cluster, clock, random, logger, retryBackoff }: AdminDependencies) {
    this.cluster = cluster
    this.logger = logger
    this.#clock = clock
    this.#random = random
    this.#retry = retryBackoff ?? DEFAULT_RETRY_BACKOFF
  }

  /** Repeats `attempt` with growing waits until it is done, throws what retrying does not help, or the time is up. */
  async retry<T>(what: string, attempt: () => Promise<Attempt<T>>, timeoutMs?: number): Promise<T> {
    const backoff = new Backoff(this.#retry.firstMs, this.#retry.maxMs, this.#random)
    const startMs = this.#clock.monotonicMs()
    let warned = false
    for (;;) {
      const outcome = await attempt().catch((error: unknown): Attempt<T> => {
        if (isStreamsError(error) && error.action === 'retry') return { done: false, error }
        throw error
      })
      if (outcome.done) return outcome.value
      const limitMs = timeoutMs ?? (outcome.patient === true ? Number.POSITIVE_INFINITY : CALL_TIMEOUT_MS)
      const waitMs = backoff.nextMs()
      if (this.#clock.monotonicMs() + waitMs - startMs > limitMs) throw outcome.error
      const told = { error: outcome.error.message, waitMs }
      if (outcome.unexpected === true && !warned) {
        warned = true
        this.logger.warn(`${what} is tried again`, told)
      } else {
        this.logger.debug(`${what} is tried again`, told)
      }
      await sleep(this.#clock, waitMs)
    }
  }
}
