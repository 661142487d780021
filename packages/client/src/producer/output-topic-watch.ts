import type { Clock, Logger } from '@millrace/streams/ports'
import type { Cluster } from '../cluster.ts'

export interface WatchedTopic {
  readonly topic: string
  /** Takes what the cached metadata says by now. */
  followMetadata(): void
}

/** A topic to which nothing was written for so long is left alone, so that idle connections are closed. Kafka's `metadata.max.idle.ms`. */
const IDLE_AFTER_MS = 300_000
const LEAST_PAUSE_MS = 100

/**
 * Reads anew what is known of topics that are written to, each time that it is old. A record's partition is chosen without a wait,
 * so it must not be left to the first record after a pause to find out.
 */
export class OutputTopicWatch {
  readonly #cluster: Cluster
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #pauseMs: number
  readonly #usedMs = new Map<WatchedTopic, number>()
  #cancel: (() => void) | undefined
  #isReading = false
  #isClosed = false

  constructor(
    parts: { readonly cluster: Cluster; readonly clock: Clock; readonly logger: Logger },
    metadataMaxAgeMs: number
  ) {
    this.#cluster = parts.cluster
    this.#clock = parts.clock
    this.#logger = parts.logger
    this.#pauseMs = Math.max(LEAST_PAUSE_MS, metadataMaxAgeMs)
  }

  /** With each batch that is begun. */
  used(topic: WatchedTopic, nowMs: number): void {
    this.#usedMs.set(topic, nowMs)
    if (this.#cancel === undefined && !this.#isReading) this.#pause()
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
  }

  #pause(): void {
    this.#cancel = this.#clock.setTimer(this.#pauseMs, () => {
      this.#cancel = undefined
      void this.#read()
    })
  }

  async #read(): Promise<void> {
    const nowMs = this.#clock.monotonicMs()
    for (const [topic, usedMs] of this.#usedMs) if (nowMs - usedMs >= IDLE_AFTER_MS) this.#usedMs.delete(topic)
    if (this.#usedMs.size === 0) return
    this.#isReading = true
    try {
      await this.#cluster.refresh([...this.#usedMs.keys()].map(({ topic }) => topic))
    } catch (error) {
      // Whoever sends meets the same, and tells.
      this.#logger.debug('Topics that are written to could not be read; what is known of them stays in use.', { error })
    }
    this.#isReading = false
    if (this.#isClosed) return
    for (const topic of this.#usedMs.keys()) topic.followMetadata()
    this.#pause()
  }
}
