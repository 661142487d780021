export { BranchedKStream } from './branched-kstream.ts'
export { CogroupedKStream } from './cogrouped-kstream.ts'
export type { BuildOptions } from './graph/write-topology.ts'
export { GlobalKTable } from './global-ktable.ts'
export { KGroupedStream } from './kgrouped-stream.ts'
export { KGroupedTable } from './kgrouped-table.ts'
export { KStream } from './kstream.ts'
export { KTable } from './ktable.ts'
export type {
  AggregateOptions,
  MaterializedOptions,
  NamedOptions,
  WindowAggregateOptions,
  WindowMaterializedOptions
} from './materialized.ts'
export type { Aggregator } from './operators/aggregate.ts'
export type { GlobalTableOptions } from './operators/global-table.ts'
export type { ForeignKeyJoinOptions } from './operators/foreign-key-join.ts'
export type { GroupedOptions } from './operators/group-by-key.ts'
export type { ProcessOptions } from './operators/process.ts'
export type { RepartitionedOptions } from './operators/repartition.ts'
export type { Merger } from './operators/session-aggregate.ts'
export type { ConsumedOptions } from './operators/stream.ts'
export type { StreamJoinedOptions } from './operators/stream-join.ts'
export type { JoinedOptions } from './operators/stream-table-join.ts'
export type { TableOptions } from './operators/table.ts'
export type { TransformValuesOptions } from './operators/table-transform-values.ts'
export type { ProducedOptions } from './operators/to.ts'
export type { ToTableOptions } from './operators/to-table.ts'
export type { FixedWindows } from './operators/windowed-by.ts'
export { SessionWindowedCogroupedKStream } from './session-windowed-cogrouped-kstream.ts'
export { SessionWindowedKStream } from './session-windowed-kstream.ts'
export { StreamsBuilder } from './streams-builder.ts'
export type { SuppressOptions } from './operators/suppress.ts'
export {
  type BufferOptions,
  type Suppressed,
  type SuppressedUntilTimeLimit,
  type SuppressedUntilWindowCloses,
  type TimeLimitOptions,
  untilTimeLimit,
  untilWindowCloses
} from './suppressed.ts'
export { TimeWindowedCogroupedKStream } from './time-windowed-cogrouped-kstream.ts'
export { TimeWindowedKStream } from './time-windowed-kstream.ts'
export type {
  StatefulValueTransformer,
  ValueTransform,
  ValueTransformer,
  ValueTransformerContext,
  ValueTransformerSupplier
} from './value-transformer.ts'
export type { EmitStrategy } from './windowed/emit-strategy.ts'
