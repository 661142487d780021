export { changes, type ChangesOptions } from './changes.ts'
export { hold } from './emission.ts'
export {
  type DeliveryReport,
  fromObservable,
  type FromObservableOptions,
  type ProducerRecord
} from './from-observable.ts'
export { fromTopic, type FromTopicOptions, type StartPosition } from './from-topic.ts'
export type { KafkaSource } from './kafka-source.ts'
export { mapHeld, type MapHeldOptions } from './map-held.ts'
export { pipeThrough, type PipeThroughOptions } from './pipe-through.ts'
export { tableChanges } from './table-changes.ts'
export { type ObservedRecord, toObservable, type ToObservableOptions } from './to-observable.ts'
export type { TopicRecord } from './topic-record.ts'
