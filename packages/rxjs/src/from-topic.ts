import { checkOptions, type KeyValueSerdes, type StreamsError } from '@millrace/streams/core'
import { Observable } from 'rxjs'
import { checkNumber } from './check-number.ts'
import { clientOf, type KafkaSource } from './kafka-source.ts'
import { TopicReading } from './topic-reading.ts'
import type { TopicRecord } from './topic-record.ts'

/** Where reading begins. */
export type StartPosition =
  | 'earliest'
  | 'latest'
  /** At the first record of this time or later, in milliseconds since the epoch; at the end where there is none. */
  | { readonly timestampMs: number }
  /** At these offsets; other partitions are not read. */
  | { readonly offsets: readonly { readonly partition: number; readonly offset: number }[] }

export interface FromTopicOptions {
  /** Default `latest`: what is written after the subscription. */
  readonly from?: StartPosition
  /**
   * `end` completes when everything was emitted that was there at the subscription; for a transaction that was open then, it waits.
   * Default: never completes.
   */
  readonly until?: 'end'
  /** Records that subscribers may hold (`hold`, `mapHeld`) before the partitions are paused. Default 1,000. */
  readonly maxHeldRecords?: number
  /** Bytes of keys and values that they may hold; one record may exceed it. Default 8 MiB. */
  readonly maxHeldBytes?: number
  /** Bytes fetched ahead; one fetch may exceed it by its own size. Default 8 MiB. */
  readonly maxBufferedBytes?: number
  /** What happens to a record that the serdes cannot read: `fail`, the default, ends the Observable with the error. */
  readonly onDeserializationError?: 'fail' | 'continue' | ((error: StreamsError) => 'fail' | 'continue')
}

export const FROM_TOPIC_OPTIONS = [
  'from',
  'until',
  'maxHeldRecords',
  'maxHeldBytes',
  'maxBufferedBytes',
  'onDeserializationError'
] as const satisfies readonly (keyof FromTopicOptions)[]

/**
 * The records of a topic. Each subscription reads by itself, all partitions from `from` on, in the order of each partition;
 * unsubscribing ends it. It sees committed records only (`read_committed`). Partitions that are added later are not read.
 *
 * It belongs to no consumer group and commits nothing: after a restart it begins where `from` says. What has to survive a
 * restart, or to be shared between processes, is work for a topology. Each record has its offset, to go on from by
 * `from: { offsets }`.
 *
 * A subscriber that is slow in `next` keeps the next record from coming. One that goes on after `next` has to hold what it
 * works on: see `hold` and `mapHeld`. Where it holds `maxHeldRecords` or `maxHeldBytes`, nothing more is emitted; fetching goes
 * on up to `maxBufferedBytes`, then the partitions are paused. Operators with a queue of their own (`concatMap`, `delay`,
 * `observeOn`) hold nothing, and their queue is bounded by nothing.
 *
 * Ends with an error: `TOPIC_MISSING`, `RECORD_DESERIALIZE_FAILED` (see `onDeserializationError`), `CLIENT_OFFSET_OUT_OF_RANGE`
 * for offsets that are not there (any more), `CLIENT_LOG_TRUNCATED` when the topic lost what was read, `CLIENT_CLOSED` when the connection is closed first.
 *
 * @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION`
 */
export function fromTopic<K, V>(
  kafka: KafkaSource,
  topic: string,
  serdes: KeyValueSerdes<K, V>,
  options: FromTopicOptions = {}
): Observable<TopicRecord<K, V>> {
  checkOptions('fromTopic()', options, FROM_TOPIC_OPTIONS)
  const { maxHeldRecords = 1_000, maxHeldBytes = 8 * 1024 * 1024, maxBufferedBytes = 8 * 1024 * 1024 } = options
  checkNumber('fromTopic()', 'maxHeldRecords', maxHeldRecords, 1)
  checkNumber('fromTopic()', 'maxHeldBytes', maxHeldBytes, 1)
  checkNumber('fromTopic()', 'maxBufferedBytes', maxBufferedBytes, 1)
  return new Observable<TopicRecord<K, V>>(subscriber => {
    const reading = new TopicReading(subscriber, {
      client: clientOf(kafka),
      topic,
      serdes,
      from: options.from ?? 'latest',
      untilEnd: options.until === 'end',
      maxHeldRecords,
      maxHeldBytes,
      maxBufferedBytes,
      onDeserializationError: options.onDeserializationError ?? 'fail'
    })
    void reading.run()
    return () => reading.stop()
  })
}
