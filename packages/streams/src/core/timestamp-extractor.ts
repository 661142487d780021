import type { StreamRecord } from './stream-record.ts'

/**
 * Gives a source record its event time in milliseconds since the epoch.
 *
 * @param record - as deserialised; its `timestampMs` is the one the broker stored (-1 when it has none).
 * @param partitionTimeMs - largest timestamp extracted so far in this partition, -1 at the start.
 * @returns an integer; a negative one drops the record and counts it as `negative-timestamp`.
 * @see Kafka Streams `TimestampExtractor`
 */
export type TimestampExtractor<K = unknown, V = unknown> = (
  record: StreamRecord<K | null, V | null>,
  partitionTimeMs: number
) => number
