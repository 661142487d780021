import type { KeyValueSerdes, Serde, StreamRecord } from '@millrace/streams/core'
import { recordText } from '../notation/records.ts'
import type { LoggedRecord, TopicLog } from './topic-log.ts'

/** Reads what the topology wrote to a topic; each record once. */
export class TestOutputTopic<K, V> {
  readonly topic: string
  readonly serdes: KeyValueSerdes<K, V>
  readonly #log: TopicLog
  #next = 0

  constructor(log: TopicLog, serdes: KeyValueSerdes<K, V>) {
    this.topic = log.topic
    this.#log = log
    this.serdes = serdes
  }

  /** How many records wait to be read. */
  get size(): number {
    return this.#log.produced.length - this.#next
  }

  /** The next record, or undefined when there is none. */
  readRecord(): StreamRecord<K | null, V | null> | undefined {
    const record = this.#log.produced[this.#next]
    if (record === undefined) return undefined
    this.#next++
    return this.#decode(record)
  }

  readRecords(): StreamRecord<K | null, V | null>[] {
    const records: StreamRecord<K | null, V | null>[] = []
    for (let record = this.readRecord(); record !== undefined; record = this.readRecord()) records.push(record)
    return records
  }

  /** The waiting records in the notation of `TestInputTopic.pipe`, between spaces: `'a:1@0 b:2@5s'`. */
  readText(): string {
    return this.readRecords()
      .map(record => recordText(record, this.serdes))
      .join(' ')
  }

  /** `[key, value]` of each waiting record. */
  readKeyValues(): [key: K | null, value: V | null][] {
    return this.readRecords().map(({ key, value }) => [key, value])
  }

  /** The last value of each key among the waiting records, as a table would hold it. Tombstones remove. */
  readTable(): Map<K | null, V> {
    const table = new Map<K | null, V>()
    for (const { key, value } of this.readRecords()) {
      if (value === null) table.delete(key)
      else table.set(key, value)
    }
    return table
  }

  #decode(record: LoggedRecord): StreamRecord<K | null, V | null> {
    return {
      key: this.#value(this.serdes.key, record.key, true),
      value: this.#value(this.serdes.value, record.value, false),
      timestampMs: record.timestampMs,
      headers: record.headers
    }
  }

  #value<T>(serde: Serde<T>, bytes: Buffer | null, isKey: boolean): T | null {
    return bytes === null ? null : serde.deserialize(bytes, { topic: this.topic, isKey })
  }
}
