export { systemClock, systemEventLoop, systemRandom } from '../ports/index.ts'
export type { AppMetrics, NodeSnapshot, TaskSnapshot } from './app-metrics.ts'
export type { AppState, StateListener } from './app-state.ts'
export { Committer } from './committer.ts'
export type { ErrorHandler, ErrorHandlers, ErrorResponse, FailedRecord } from './error-handlers.ts'
export { FAIL_ON_ERROR } from './error-handlers.ts'
export { prepareSerdes } from './prepare-serdes.ts'
export type { RestoreListener, StoreRestore } from './restore-listener.ts'
export { type ChangelogClient, Restorer } from './restorer.ts'
export type { StoreChangelog } from './store-changelog.ts'
export { StreamsApp, type StreamsPorts, type WindowedKind } from './streams-app.ts'
export { resolveConfig } from './resolve-config.ts'
export {
  CONSUMER_OPTIONS,
  type ConsumerConfig,
  PRODUCER_OPTIONS,
  type ProducerConfig,
  type ResolvedConfig,
  STREAMS_OPTIONS,
  type StreamsConfig
} from './streams-config.ts'
export { readOnlyStore } from './task/read-only-store.ts'
export { Task, type TaskInput, type TaskOptions } from './task/task.ts'
export { type OffsetClient, startTask, TaskOpener } from './task-opener.ts'
export { TaskOpening } from './task-openings.ts'
