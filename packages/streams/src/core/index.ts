export type { Change } from './change.ts'
export {
  type Action,
  ERRORS,
  type ErrorCode,
  isStreamsError,
  StreamsError,
  type StreamsErrorOptions
} from './errors.ts'
export { type Header, type Headers, NO_HEADERS } from './headers.ts'
export { murmur2, murmur2Partition } from './murmur2.ts'
export type { DropReason, NodeState, Processor, ProcessorContext, ProcessorSupplier } from './processor.ts'
export type { KeyValueSerdes, Serde, SerdeContext } from './serde.ts'
export type {
  FlushListener,
  KeyValueRow,
  KeyValueStore,
  ReadOnlyKeyValueStore,
  ReadOnlyWindowStore,
  StateStore,
  TimestampedKeyValueStore,
  TimestampedWindowStore,
  ValueAndTimestamp
} from './state-store.ts'
export type { RecordMetadata, StreamRecord } from './stream-record.ts'
export type { TimestampExtractor } from './timestamp-extractor.ts'
export type { Windowed } from './windowed.ts'
