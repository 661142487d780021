export { MockClock } from './driver/mock-clock.ts'
export { TestInputTopic } from './driver/test-input-topic.ts'
export { TestOutputTopic } from './driver/test-output-topic.ts'
export type { StoreSnapshot } from './store-snapshot.ts'
export {
  type RestartOptions,
  type SnapshotOptions,
  type TestDriverOptions,
  TopologyTestDriver
} from './topology-test-driver.ts'
