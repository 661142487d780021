import type { Headers } from '@millrace/streams/core'
import type { OffsetCommit, RecordProducer, TopicAppender } from '@millrace/streams/ports'
import type { MemoryCluster } from './memory-cluster.ts'
import type { TopicLog } from './topic-log.ts'

/** Writes to a cluster in memory. Every topic exists, and nothing can fail. */
export class MemoryProducer implements RecordProducer {
  readonly #cluster: MemoryCluster
  readonly #appenders = new Map<string, MemoryAppender>()
  readonly full = false
  readonly error = undefined

  constructor(cluster: MemoryCluster) {
    this.#cluster = cluster
  }

  cachedTopic(name: string): TopicAppender {
    let appender = this.#appenders.get(name)
    if (appender === undefined) {
      appender = new MemoryAppender(this.#cluster.log(name))
      this.#appenders.set(name, appender)
    }
    return appender
  }

  async topic(name: string): Promise<TopicAppender> {
    return this.cachedTopic(name)
  }

  async commit(offsets: readonly OffsetCommit[]): Promise<void> {
    this.#cluster.commit(offsets)
  }

  async whenWritable(): Promise<void> {}
  async flush(): Promise<void> {}
  async abort(): Promise<void> {}
  async reset(): Promise<void> {}
  async close(): Promise<void> {}
}

class MemoryAppender implements TopicAppender {
  readonly topic: string
  readonly partitionCount = 1
  readonly #log: TopicLog

  constructor(log: TopicLog) {
    this.topic = log.topic
    this.#log = log
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
    this.#log.produced.push(this.#log.append(key, value, timestampMs, headers))
  }

  ackedEndOffset(): number {
    return this.#log.records.length
  }
}
