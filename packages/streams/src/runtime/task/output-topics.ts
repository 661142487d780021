import type { Headers } from '../../core/index.ts'
import type { RecordProducer, TopicAppender } from '../../ports/index.ts'

/** Gets the number of partitions, answers with one of them. */
export type ChoosePartition = (partitionCount: number) => number

/** What becomes of a record that could not be appended. @throws what ends the task. */
export type OnRefused = (error: unknown) => void

interface Waiting {
  readonly choose: ChoosePartition
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestampMs: number
  readonly headers: Headers
  readonly onRefused: OnRefused | undefined
}

/**
 * Topics whose names are only known at run time: computed sinks, the dead-letter topic. A name met for the first time has
 * to be looked up, which cannot be awaited on the record path: its records wait here, in order, and a commit waits for them.
 */
export class OutputTopics {
  readonly #producer: RecordProducer
  readonly #waiting = new Map<string, Waiting[]>()
  #lookups: Promise<void>[] = []
  #failed: Error | undefined

  constructor(producer: RecordProducer) {
    this.#producer = producer
  }

  /**
   * @param whenWaiting - asked, while the input record is still in work, for what to do if the record is refused once its topic is
   *   known. Default: the task fails. A record that need not wait is refused at once.
   */
  write(
    topic: string,
    choose: ChoosePartition,
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers: Headers,
    whenWaiting?: () => OnRefused
  ): void {
    const appender = this.#waiting.has(topic) ? undefined : this.#producer.cachedTopic(topic)
    if (appender !== undefined) {
      append(appender, { choose, key, value, timestampMs, headers, onRefused: undefined })
      return
    }
    // The bytes may be views into a fetched batch; what waits is copied.
    const waiting = { choose, key: copy(key), value: copy(value), timestampMs, headers, onRefused: whenWaiting?.() }
    const queue = this.#waiting.get(topic)
    if (queue !== undefined) {
      queue.push(waiting)
      return
    }
    this.#waiting.set(topic, [waiting])
    this.#lookups.push(this.#lookUp(topic))
  }

  /** Resolves when nothing waits. @throws StreamsError `TOPIC_MISSING`. */
  async settle(): Promise<void> {
    while (this.#lookups.length > 0) {
      const lookups = this.#lookups
      this.#lookups = []
      await Promise.all(lookups)
    }
    if (this.#failed !== undefined) throw this.#failed
  }

  /** Forgets what waits, after an abort. */
  discard(): void {
    for (const queue of this.#waiting.values()) queue.length = 0
    this.#failed = undefined
  }

  async #lookUp(topic: string): Promise<void> {
    try {
      const appender = await this.#producer.topic(topic)
      for (const waiting of this.#waiting.get(topic) ?? []) {
        try {
          append(appender, waiting)
        } catch (error) {
          if (waiting.onRefused === undefined) throw error
          waiting.onRefused(error)
        }
      }
    } catch (error) {
      this.#failed ??= error as Error
    } finally {
      this.#waiting.delete(topic)
    }
  }
}

function append(appender: TopicAppender, record: Waiting): void {
  const { key, value } = record
  appender.append(
    record.choose(appender.partitionCount),
    key,
    0,
    key === null ? -1 : key.length,
    value,
    0,
    value === null ? -1 : value.length,
    record.timestampMs,
    record.headers
  )
}

function copy(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : Uint8Array.prototype.slice.call(bytes)
}
