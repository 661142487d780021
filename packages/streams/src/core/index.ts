export type { Change } from './change.ts'
export { checkOptions } from './check-options.ts'
export { described } from './described.ts'
export { type Duration, durationMs } from './duration.ts'
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
export { murmur3 } from './murmur3.ts'
export type {
  Cancellable,
  DropReason,
  NodeState,
  Processor,
  ProcessorContext,
  ProcessorSupplier,
  PunctuationType,
  Punctuator
} from './processor.ts'
export {
  checkMethods,
  choiceOption,
  contradiction,
  integerOption,
  type IntegerRange,
  invalidOption,
  MAX_INT,
  textOption
} from './option-values.ts'
export type { KeyValueSerdes, Serde, SerdeContext, SerdeUse } from './serde.ts'
export { serdeNotReady, whenSerdeReady } from './serde-not-ready.ts'
export { bytes } from './serdes/bytes.ts'
export { changeSerde } from './serdes/change.ts'
export { deserializeRange } from './serdes/deserialize-range.ts'
export { serializeInto } from './serdes/serialize-into.ts'
export { serialized } from './serdes/serialized.ts'
export { float64 } from './serdes/float64.ts'
export { int32 } from './serdes/int32.ts'
export { int64, readInt64, writeInt64 } from './serdes/int64.ts'
export type { DeepReadonly } from './serdes/deep-readonly.ts'
export { json } from './serdes/json.ts'
export type { StandardIssue, StandardResult, StandardSchema } from './serdes/standard-schema.ts'
export { sessionKey } from './serdes/session-key.ts'
export { string } from './serdes/string.ts'
export { uuid } from './serdes/uuid.ts'
export { innerKeySerde, type WindowedKeyOptions, type WindowedKeySerde, windowedKey } from './serdes/windowed-key.ts'
export {
  type FlushListener,
  type KeyValueRow,
  type KeyValueStore,
  type OrderedKeyValueStore,
  type ReadOnlyKeyValueStore,
  type ReadOnlySessionStore,
  type ReadOnlyVersionedKeyValueStore,
  type ReadOnlyWindowStore,
  type SessionRow,
  type SessionStore,
  type StateStore,
  type StoreCursor,
  type TimestampedKeyValueStore,
  type TimestampedWindowStore,
  type ValueAndTimestamp,
  VERSION_IS_LATEST,
  VERSION_NOT_PUT,
  type VersionedKeyValueStore,
  type VersionedRecord,
  type WindowRow,
  type WindowStore
} from './state-store.ts'
export type { RecordMetadata, StreamRecord } from './stream-record.ts'
export type { TimestampExtractor } from './timestamp-extractor.ts'
export type { Windowed } from './windowed.ts'
export { type JoinWindows, type JoinWindowsOptions, joinWindows } from './windows/join-windows.ts'
export { type SessionOptions, type SessionWindows, session } from './windows/session-windows.ts'
export { type SlidingOptions, type SlidingWindows, sliding } from './windows/sliding-windows.ts'
export {
  firstWindowStartMs,
  type HoppingOptions,
  hopping,
  type TimeWindows,
  type TumblingOptions,
  tumbling,
  windowStartsMs
} from './windows/time-windows.ts'
export {
  UNLIMITED_END_MS,
  type UnlimitedOptions,
  type UnlimitedWindows,
  unlimited
} from './windows/unlimited-windows.ts'
