export {
  bytes,
  type Duration,
  float64,
  type HoppingOptions,
  hopping,
  int32,
  int64,
  isStreamsError,
  json,
  type Serde,
  type StandardSchema,
  StreamsError,
  string,
  type TimestampExtractor,
  type TimeWindows,
  type TumblingOptions,
  tumbling,
  uuid,
  type Windowed,
  type WindowedKeyOptions,
  windowedKey
} from './core/index.ts'
export { StreamsBuilder } from './dsl/index.ts'
export { type StoreHandle, type Topology, TopologyBuilder } from './topology/index.ts'
