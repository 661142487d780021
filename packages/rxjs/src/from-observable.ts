import { checkOptions, type Headers, type KeyValueSerdes, StreamsError } from '@millrace/streams/core'
import type { Compression } from '@millrace/streams/ports'
import { Observable, type ObservableInput } from 'rxjs'
import { checkNumber } from './check-number.ts'
import { clientOf, type KafkaSource } from './kafka-source.ts'
import { TopicWriting } from './topic-writing.ts'

/** What is to be written. */
export interface ProducerRecord<K, V> {
  readonly key: K | null
  /** Null writes a tombstone. */
  readonly value: V | null
  /** Milliseconds since the epoch. Default: now. */
  readonly timestampMs?: number
  readonly headers?: Headers
  /** Default: Java's, murmur2 of the key's bytes; records without a key go round. */
  readonly partition?: number
}

/** A record is written. */
export interface DeliveryReport<R> {
  /** What the source gave. */
  readonly record: R
  readonly topic: string
  readonly partition: number
  /** Undefined when the broker wrote it long ago and no longer knows where. */
  readonly offset: number | undefined
}

export interface FromObservableOptions<R> {
  /** Records that are taken from the source and not yet written. Default 10,000. */
  readonly maxPendingRecords?: number
  /** Serialised bytes of them; one record may exceed it. Until serdes that ask a registry are ready, records alone count. Default 16 MiB. */
  readonly maxPendingBytes?: number
  /**
   * What happens to a value of a source that cannot be made to wait, when the bounds are reached: `fail`, the default, ends with
   * `RXJS_BUFFER_FULL`; a function gets the record, which is not written.
   */
  readonly whenFull?: 'fail' | ((record: R) => void)
  /** Default `none`. */
  readonly compression?: Compression
}

const OPTIONS = ['maxPendingRecords', 'maxPendingBytes', 'whenFull', 'compression'] as const

/**
 * Writes what a source gives to a topic. Nothing happens until somebody subscribes to the result, which reports each record that
 * is written, in the order of each partition. The producer is idempotent: what is accepted is written once and in order, also when
 * requests are repeated. It is no transaction: what was written stays written, whatever comes later.
 *
 * Back-pressure depends on the source. An iterable or asynchronous iterable is asked for the next value when there is room. What
 * comes from a source of this package (`fromTopic`, `toObservable`) is held until it is written, which pauses the source; behind
 * `toObservable` the input's offset is thus committed only after that. Any other Observable cannot be made to wait: beyond
 * `maxPendingRecords` or `maxPendingBytes` see `whenFull`.
 *
 * It completes when the source has completed and all is written. When the source fails, what it gave before is written and
 * reported, then its error follows. Unsubscribing ends the subscription to the source and gives up what is not yet written.
 *
 * Ends with an error: `TOPIC_MISSING`, `RECORD_SERIALIZE_FAILED`, `RECORD_TOO_LARGE`, `RECORD_PRODUCE_FAILED` for a partition that is
 * not there, `RXJS_BUFFER_FULL`, and what the broker refuses.
 *
 * @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION`
 */
export function fromObservable<K, V, R extends ProducerRecord<K, V> = ProducerRecord<K, V>>(
  source: ObservableInput<R>,
  kafka: KafkaSource,
  topic: string,
  serdes: KeyValueSerdes<K, V>,
  options: FromObservableOptions<R> = {}
): Observable<DeliveryReport<R>> {
  checkOptions('fromObservable()', options, OPTIONS)
  const {
    maxPendingRecords = 10_000,
    maxPendingBytes = 16 * 1024 * 1024,
    whenFull = 'fail',
    compression = 'none'
  } = options
  checkNumber('fromObservable()', 'maxPendingRecords', maxPendingRecords, 1)
  checkNumber('fromObservable()', 'maxPendingBytes', maxPendingBytes, 1)
  if (whenFull !== 'fail' && typeof whenFull !== 'function') {
    throw new StreamsError(
      'CONFIG_INVALID',
      `The option 'whenFull' of fromObservable() is ${JSON.stringify(whenFull)}; it must be 'fail' or a function.`
    )
  }
  return new Observable<DeliveryReport<R>>(subscriber => {
    const writing = new TopicWriting<K, V, R>(subscriber, {
      client: clientOf(kafka),
      topic,
      serdes,
      maxPendingRecords,
      maxPendingBytes,
      whenFull,
      compression
    })
    writing.begin(source)
    return () => writing.stop()
  })
}
