export {
  type BranchedKStream,
  bytes,
  type Duration,
  float64,
  type HoppingOptions,
  hopping,
  int32,
  int64,
  isStreamsError,
  json,
  type KGroupedStream,
  type KGroupedTable,
  type KStream,
  type KTable,
  type Serde,
  type StandardSchema,
  type StoreHandle,
  StreamsBuilder,
  StreamsError,
  string,
  type TimestampExtractor,
  type TimeWindowedKStream,
  type TimeWindows,
  type Topology,
  TopologyBuilder,
  type TumblingOptions,
  tumbling,
  uuid,
  type Windowed,
  type WindowedKeyOptions,
  windowedKey
} from '@millrace/streams'
export type {
  KeyValueRow,
  ReadOnlyKeyValueStore,
  ReadOnlyWindowStore,
  StateStore,
  ValueAndTimestamp
} from '@millrace/streams/core'
export type { LogFields, Logger } from '@millrace/streams/ports'
export type {
  AppMetrics,
  AppState,
  ErrorHandler,
  ErrorResponse,
  FailedRecord,
  NodeSnapshot,
  RestoreListener,
  StateListener,
  StoreRestore,
  StreamsConfig,
  TaskSnapshot
} from '@millrace/streams/runtime'
export { Millrace, type MillraceOptions } from './millrace.ts'
