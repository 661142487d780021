import type {
  Fetcher,
  KafkaAdmin,
  KafkaClient,
  PartitionReader,
  RecordProducer,
  TopicAppender
} from '../../ports/index.ts'

interface StoredRecord {
  readonly key: Buffer
  readonly value: Buffer
}

/** Topics in memory, of which the first partition can be written and read: enough for what the runtime notes in a topic. */
export class MemoryKafka {
  readonly topics = new Map<string, StoredRecord[]>()
  /** How many members every group has. */
  memberCount = 0
  /** Called before records are written: what another process does at that moment. */
  beforeWriting: () => void = () => {}

  append(topic: string, key: string, value: string): void {
    this.topics.get(topic)?.push({ key: Buffer.from(key), value: Buffer.from(value) })
  }

  client(): KafkaClient {
    const admin: Partial<KafkaAdmin> = {
      describeTopics: async (names = []) =>
        new Map(
          names
            .filter(name => this.topics.has(name))
            .map(name => [name, { name, partitionCount: 1, replicationFactor: 1, internal: false }])
        ),
      listOffsets: async partitions =>
        partitions.map(({ topic, partition, at }) => ({
          topic,
          partition,
          offset: at === 'earliest' ? 0 : (this.topics.get(topic)?.length ?? 0)
        }))
    }
    admin.describeGroup = async groupId => {
      const members = Array.from({ length: this.memberCount }, (_, number) => `member-${number}`)
      return { groupId, state: 'Stable', members: members.map(memberId => ({ memberId, clientId: '', host: '' })) }
    }
    const client: Partial<KafkaClient> = {
      admin: admin as KafkaAdmin,
      createFetcher: () => this.#fetcher(),
      createProducer: async () => this.#producer()
    }
    return client as KafkaClient
  }

  #fetcher(): Fetcher {
    const fetcher: Partial<Fetcher> = {
      add: ({ topic }, offset) => {
        const reader = { position: offset, buffer: Buffer.alloc(0), keyStart: 0, keyEnd: 0, valueStart: 0, valueEnd: 0 }
        const next = () => {
          const record = this.topics.get(topic)?.[reader.position]
          if (record === undefined) return false
          reader.position++
          reader.buffer = Buffer.concat([record.key, record.value])
          reader.keyEnd = reader.valueStart = record.key.length
          reader.valueEnd = reader.buffer.length
          return true
        }
        return Object.assign(reader, { next }) as Partial<PartitionReader> as PartitionReader
      },
      close: async () => {}
    }
    return fetcher as Fetcher
  }

  #producer(): RecordProducer {
    const producer: Partial<RecordProducer> = {
      topic: async topic => {
        this.beforeWriting()
        const appender: Partial<TopicAppender> = {
          append: (_partition, key, keyStart, keyEnd, value, valueStart, valueEnd) => {
            this.topics.get(topic)?.push({
              key: Buffer.from(key?.subarray(keyStart, keyEnd) ?? []),
              value: Buffer.from(value?.subarray(valueStart, valueEnd) ?? [])
            })
          }
        }
        return appender as TopicAppender
      },
      flush: async () => {},
      close: async () => {}
    }
    return producer as RecordProducer
  }
}
