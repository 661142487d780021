export { MockClock } from './driver/mock-clock.ts'
export { TestInputTopic } from './driver/test-input-topic.ts'
export { TestOutputTopic } from './driver/test-output-topic.ts'
export { type RestartOptions, type TestDriverOptions, TopologyTestDriver } from './topology-test-driver.ts'
