import type {
  CommittedOffset,
  GroupDescription,
  IsolationLevel,
  KafkaAdmin,
  NewTopic,
  TopicDescription,
  TopicPartition
} from '@millrace/streams/ports'
import { type AdminDependencies, AdminSession } from './admin-session.ts'
import { deleteGroup, describeGroup, type FetchOffsetsOptions, fetchOffsets } from './group-requests.ts'
import { deleteRecords, listOffsets } from './partition-requests.ts'
import { createTopics, deleteTopics, describeTopicConfigs, describeTopics } from './topic-requests.ts'

/** Each call tries for a minute: brokers that restart, leaders and coordinators that move, are not its callers' business. */
export class ClusterAdmin implements KafkaAdmin {
  readonly #session: AdminSession

  constructor(dependencies: AdminDependencies) {
    this.#session = new AdminSession(dependencies)
  }

  describeTopics(names?: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>> {
    return describeTopics(this.#session, names)
  }

  createTopics(topics: readonly NewTopic[]): Promise<ReadonlyMap<string, 'created' | 'exists'>> {
    return createTopics(this.#session, topics)
  }

  deleteTopics(names: readonly string[]): Promise<void> {
    return deleteTopics(this.#session, names)
  }

  describeTopicConfigs(names: readonly string[]): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
    return describeTopicConfigs(this.#session, names)
  }

  listOffsets(
    partitions: readonly (TopicPartition & { readonly at: 'earliest' | 'latest' | number })[],
    isolation: IsolationLevel
  ): Promise<readonly (TopicPartition & { readonly offset: number })[]> {
    return listOffsets(this.#session, partitions, isolation)
  }

  fetchOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    options: FetchOffsetsOptions
  ): Promise<readonly CommittedOffset[]> {
    return fetchOffsets(this.#session, groupId, partitions, options)
  }

  deleteRecords(offsets: readonly (TopicPartition & { readonly offset: number })[]): Promise<void> {
    return deleteRecords(this.#session, offsets)
  }

  describeGroup(groupId: string): Promise<GroupDescription> {
    return describeGroup(this.#session, groupId)
  }

  deleteGroup(groupId: string): Promise<void> {
    return deleteGroup(this.#session, groupId)
  }
}
