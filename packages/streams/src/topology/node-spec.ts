import type {
  Headers,
  ProcessorSupplier,
  RecordMetadata,
  Serde,
  StreamRecord,
  TimestampExtractor
} from '../core/index.ts'

// biome-ignore-start: the record types of a node are checked where the DSL builds it; as plain data they are unknown.
export type AnySerde = Serde<any>
// biome-ignore-end

/** Reads topics, deserialises, extracts the timestamp, forwards to its children. */
export interface SourceNodeSpec {
  readonly kind: 'source'
  readonly name: string
  readonly children: readonly string[]
  /** Topic names, or a pattern, anchored to whole names, that is matched against all topics whenever metadata changes. */
  readonly topics: readonly string[] | RegExp
  readonly key: AnySerde
  readonly value: AnySerde
  /** Default: the timestamp that the broker stored. */
  readonly timestampExtractor: TimestampExtractor | undefined
  /** Where a partition without a committed offset begins; undefined: the application's default. */
  readonly offsetReset: 'earliest' | 'latest' | 'none' | undefined
}

/** Runs a processor. */
export interface ProcessorNodeSpec {
  readonly kind: 'processor'
  readonly name: string
  readonly parents: readonly string[]
  readonly children: readonly string[]
  readonly stores: readonly string[]
  readonly supplier: ProcessorSupplier<any, any, any, any>
}

/** Writes a topic. Partitioned by murmur2 of the serialised key like Java's producer unless `partitioner` says otherwise. */
export interface SinkNodeSpec {
  readonly kind: 'sink'
  readonly name: string
  readonly parents: readonly string[]
  readonly topic: string | TopicNameExtractor
  readonly key: AnySerde
  readonly value: AnySerde
  readonly partitioner: StreamPartitioner | undefined
}

export type NodeSpec = SourceNodeSpec | ProcessorNodeSpec | SinkNodeSpec

/** Chooses the topic of each record. Null or undefined is an error of the record (`RECORD_PRODUCE_FAILED`). */
export type TopicNameExtractor<K = any, V = any> = (
  key: K,
  value: V,
  record: { readonly timestampMs: number; readonly headers: Headers; readonly metadata: RecordMetadata | undefined }
) => string

/** Chooses a partition in [0, partitionCount). `undefined` leaves the choice to the default. */
export type StreamPartitioner<K = any, V = any> = (
  topic: string,
  key: K,
  value: V,
  partitionCount: number
) => number | undefined

export type AnyRecord = StreamRecord<any, any>
