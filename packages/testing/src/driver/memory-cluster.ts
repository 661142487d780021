import type { CommittedOffset, Fetcher, KafkaAdmin, OffsetCommit, TopicPartition } from '@millrace/streams/ports'
import type { ChangelogClient, OffsetClient } from '@millrace/streams/runtime'
import { LogReader, TopicLog } from './topic-log.ts'

/**
 * What a cluster keeps while applications come and go: the records of topics, one partition each, and the offsets that the one
 * group has committed, with their metadata. Every topic exists; it is empty until something is written to it.
 */
export class MemoryCluster implements OffsetClient, ChangelogClient {
  readonly #logs = new Map<string, TopicLog>()
  readonly #committed = new Map<string, CommittedOffset>()

  log(topic: string): TopicLog {
    let log = this.#logs.get(topic)
    if (log === undefined) {
      log = new TopicLog(topic)
      this.#logs.set(topic, log)
    }
    return log
  }

  /** In the order in which they were first named. */
  get logs(): Iterable<TopicLog> {
    return this.#logs.values()
  }

  commit(offsets: readonly OffsetCommit[]): void {
    for (const { topic, partition, offset, metadata } of offsets) {
      this.#committed.set(topic, { topic, partition, offset, metadata })
    }
  }

  readonly admin: Pick<KafkaAdmin, 'fetchOffsets' | 'listOffsets'> = {
    fetchOffsets: async (_group, partitions) =>
      partitions.map(({ topic, partition }) => {
        return this.#committed.get(topic) ?? { topic, partition, offset: -1, metadata: '' }
      }),
    listOffsets: async partitions =>
      partitions.map(({ topic, partition, at }) => {
        const { records } = this.log(topic)
        const first = typeof at === 'number' ? records.findIndex(({ timestampMs }) => timestampMs >= at) : 0
        return { topic, partition, offset: at === 'latest' ? records.length : first }
      })
  }

  /** Everything is there at once, so there is never anything to wait for. */
  createFetcher(): Fetcher {
    return {
      add: ({ topic }: TopicPartition, offset) => new LogReader(this.log(topic), offset),
      remove: () => {},
      wait: async () => {},
      wake: () => {},
      bufferedBytes: 0,
      isClosed: false,
      close: async () => {}
    }
  }
}
