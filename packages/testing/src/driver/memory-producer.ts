import type { Headers } from '@millrace/streams/core'
import type { RecordProducer, TopicAppender } from '@millrace/streams/ports'
import { TopicLog } from './topic-log.ts'

/** Keeps what is produced, one partition a topic. Every topic exists. Commits do nothing: nothing can fail. */
export class MemoryProducer implements RecordProducer {
  /** What the topology wrote. */
  readonly produced = new Map<string, TopicLog>()
  readonly #appenders = new Map<string, MemoryAppender>()
  readonly #onRecord: (topic: string) => TopicLog | undefined
  readonly full = false
  readonly error = undefined

  /** @param inputOf - the input log that a topic feeds, if the topology reads it too. */
  constructor(inputOf: (topic: string) => TopicLog | undefined) {
    this.#onRecord = inputOf
  }

  cachedTopic(name: string): TopicAppender {
    let appender = this.#appenders.get(name)
    if (appender === undefined) {
      const log = new TopicLog(name)
      this.produced.set(name, log)
      appender = new MemoryAppender(log, this.#onRecord)
      this.#appenders.set(name, appender)
    }
    return appender
  }

  async topic(name: string): Promise<TopicAppender> {
    return this.cachedTopic(name)
  }

  async whenWritable(): Promise<void> {}
  async flush(): Promise<void> {}
  async commit(): Promise<void> {}
  async abort(): Promise<void> {}
  async reset(): Promise<void> {}
  async close(): Promise<void> {}
}

class MemoryAppender implements TopicAppender {
  readonly topic: string
  readonly partitionCount = 1
  readonly #log: TopicLog
  readonly #inputOf: (topic: string) => TopicLog | undefined

  constructor(log: TopicLog, inputOf: (topic: string) => TopicLog | undefined) {
    this.topic = log.topic
    this.#log = log
    this.#inputOf = inputOf
  }

  append(
    _partition: number,
    keyBytes: Uint8Array | null,
    keyStart: number,
    keyEnd: number,
    valueBytes: Uint8Array | null,
    valueStart: number,
    valueEnd: number,
    timestampMs: number,
    headers: Headers
  ): void {
    const key = keyBytes === null || keyEnd < 0 ? null : keyBytes.subarray(keyStart, keyEnd)
    const value = valueBytes === null || valueEnd < 0 ? null : valueBytes.subarray(valueStart, valueEnd)
    this.#log.append(key, value, timestampMs, headers)
    this.#inputOf(this.topic)?.append(key, value, timestampMs, headers)
  }

  ackedEndOffset(): number {
    return this.#log.records.length
  }
}
