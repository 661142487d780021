export type { Clock, Random } from './clock.ts'
export type { EventLoop } from './event-loop.ts'
export type {
  AssignorMember,
  AssignorResult,
  CommittedOffset,
  Compression,
  Fetcher,
  FetcherOptions,
  GroupAssignor,
  GroupDescription,
  GroupListener,
  GroupMember,
  GroupMetadata,
  GroupOptions,
  IsolationLevel,
  KafkaAdmin,
  KafkaClient,
  NewTopic,
  OffsetCommit,
  PartitionReader,
  ProducerOptions,
  RecordProducer,
  TopicAppender,
  TopicDescription,
  TopicPartition
} from './kafka-client.ts'
export { type LogFields, type Logger, SILENT_LOGGER } from './logger.ts'
export type { RawRange, RawRow, RawStore, RawStoreProvider, RawWrite, RawWriteOptions } from './raw-store.ts'
export { systemClock } from './system-clock.ts'
export { systemEventLoop } from './system-event-loop.ts'
export { systemRandom } from './system-random.ts'
