import type { Clock, Logger, Random } from '@millrace/streams/ports'
import type { BrokerConfig } from '../broker-config.ts'
import { PartitionLog } from '../log/partition-log.ts'
import { randomUuid } from '../random-uuid.ts'
import { ChangeJournal } from '../storage/change-journal.ts'
import type { BrokerStorage } from '../storage/log-storage.ts'
import { Topic } from './topic.ts'

export interface TopicsParts {
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly storage: BrokerStorage
}

/** Called after a topic is gone, with its logs closed. */
export type TopicListener = (topic: Topic) => void

const MAX_NAME_LENGTH = 249

/** What is wrong with a topic's name, in Kafka's words; undefined if nothing is. */
export function topicNameProblem(name: string): string | undefined {
  if (name === '') return 'Topic name is invalid: the empty string is not allowed'
  if (name === '.' || name === '..') return `Topic name is invalid: '.' or '..' is not allowed`
  if (name.length > MAX_NAME_LENGTH) {
    return `Topic name is invalid: the length of '${name}' is longer than the max allowed length ${MAX_NAME_LENGTH}`
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `Topic name is invalid: '${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
  }
  return undefined
}

/** All topics. What is done to them outlives the process with a durable storage. */
export class Topics {
  readonly #parts: TopicsParts
  readonly #journal: ChangeJournal<TopicEntry>
  readonly #byName = new Map<string, Topic>()
  readonly #byId = new Map<string, Topic>()
  readonly #deletionListeners = new Set<TopicListener>()
  /** One more with each start: it leads its partitions anew. */
  #leaderEpoch = 0

  constructor(parts: TopicsParts) {
    this.#parts = parts
    this.#journal = new ChangeJournal({
      journal: parts.storage.journal('topics'),
      present: () => this.#entries(),
      logger: parts.logger
    })
  }

  /** Opens what earlier runs left. Called once, before the first request. */
  start(): void {
    const starts = new Map<string, number>()
    const counts = new Map<string, number>()
    for (const entry of this.#journal.replay()) this.#replay(entry, counts, starts)
    for (const topic of this.#byName.values()) {
      topic.partitions.push(...this.#open(topic, counts.get(topic.id) ?? 0, starts))
    }
    this.#journal.append({ kind: 'epoch', epoch: this.#leaderEpoch })
  }

  close(): void {
    for (const topic of this.#byName.values()) for (const log of topic.partitions) log.close()
  }

  get size(): number {
    return this.#byName.size
  }

  all(): Iterable<Topic> {
    return this.#byName.values()
  }

  byName(name: string): Topic | undefined {
    return this.#byName.get(name)
  }

  byId(id: string): Topic | undefined {
    return this.#byId.get(id)
  }

  partition(name: string, index: number): PartitionLog | undefined {
    return this.#byName.get(name)?.partitions[index]
  }

  /** Calls back after a topic was deleted: offsets of groups go with it. */
  onDelete(listener: TopicListener): void {
    this.#deletionListeners.add(listener)
  }

  /**
   * The caller has checked that the name is sound and free, and the settings are.
   *
   * @throws StorageError when there is no room for it; then there is no such topic.
   */
  create(name: string, partitionCount: number, settings: ReadonlyMap<string, string> = new Map()): Topic {
    const id = randomUuid(this.#parts.random)
    const topic = new Topic(name, id, settings, this.#parts.config.topicDefaults)
    const created: TopicEntry = { kind: 'create', name, id, partitionCount, settings: Object.fromEntries(settings) }
    this.#addLogs(topic, partitionCount, created)
    this.#add(topic)
    return topic
  }

  /** Another topic whose name differs only in '.' and '_', which metrics cannot tell apart; Kafka refuses such. */
  collisionOf(name: string): string | undefined {
    if (!/[._]/.test(name)) return undefined
    const merged = name.replaceAll('.', '_')
    for (const other of this.#byName.keys()) {
      if (other !== name && other.replaceAll('.', '_') === merged) return other
    }
    return undefined
  }

  delete(topic: Topic): void {
    this.#journal.append({ kind: 'delete', id: topic.id })
    this.#remove(topic)
    for (const [index, log] of topic.partitions.entries()) {
      log.close()
      this.#parts.storage.deleteLog(topic.id, index)
    }
    for (const listener of this.#deletionListeners) listener(topic)
  }

  /** @throws StorageError when there is no room for them; then there are as many as before. */
  addPartitions(topic: Topic, partitionCount: number): void {
    this.#addLogs(topic, partitionCount, { kind: 'partitions', id: topic.id, partitionCount })
  }

  configure(topic: Topic, settings: ReadonlyMap<string, string>): void {
    this.#journal.append({ kind: 'settings', id: topic.id, settings: Object.fromEntries(settings) })
    topic.settings = settings
  }

  /** Deletes records below `offset` on request; they stay deleted. */
  deleteRecords(topic: Topic, partition: number, offset: number): void {
    this.#journal.append({ kind: 'start', id: topic.id, partition, offset })
    topic.partitions[partition]?.deleteBelow(offset)
  }

  /** Applies the topic's retention and compaction now. */
  cleanUp(topic: Topic): void {
    for (const log of topic.partitions) {
      log.applyRetention()
      log.compact()
    }
  }

  #add(topic: Topic): void {
    this.#byName.set(topic.name, topic)
    this.#byId.set(topic.id, topic)
  }

  #remove(topic: Topic): void {
    this.#byName.delete(topic.name)
    this.#byId.delete(topic.id)
  }

  /** Makes logs up to the count, then writes down that they are there. Where that fails none is left. */
  #addLogs(topic: Topic, partitionCount: number, change: TopicEntry): void {
    const { storage } = this.#parts
    const present = topic.partitions.length
    let added: PartitionLog[] = []
    try {
      added = this.#open(topic, partitionCount, new Map())
      this.#journal.append(change)
    } catch (error) {
      for (const log of added) log.close()
      for (let index = present; index < partitionCount; index++) storage.deleteLog(topic.id, index)
      throw error
    }
    topic.partitions.push(...added)
  }

  /** Opens logs behind those that the topic has, up to the count. */
  #open(topic: Topic, partitionCount: number, starts: ReadonlyMap<string, number>): PartitionLog[] {
    const { clock, config, storage } = this.#parts
    const opened: PartitionLog[] = []
    try {
      for (let index = topic.partitions.length; index < partitionCount; index++) {
        opened.push(
          new PartitionLog({
            storage: storage.openLog(topic.id, index),
            clock,
            config: () => topic.logConfig,
            leaderEpoch: this.#leaderEpoch,
            producerIdExpirationMs: config.producerIdExpirationMs,
            startOffset: starts.get(`${topic.id}-${index}`) ?? 0
          })
        )
      }
    } catch (error) {
      for (const log of opened) log.close()
      throw error
    }
    return opened
  }

  *#entries(): Generator<TopicEntry> {
    yield { kind: 'epoch', epoch: this.#leaderEpoch }
    for (const { name, id, partitions, settings } of this.#byName.values()) {
      yield { kind: 'create', name, id, partitionCount: partitions.length, settings: Object.fromEntries(settings) }
      for (const [partition, { startOffset: offset }] of partitions.entries()) {
        if (offset > 0) yield { kind: 'start', id, partition, offset }
      }
    }
  }

  #replay(entry: TopicEntry, counts: Map<string, number>, starts: Map<string, number>): void {
    if (entry.kind === 'epoch') {
      this.#leaderEpoch = entry.epoch + 1
      return
    }
    if (entry.kind === 'create') {
      const settings = new Map(Object.entries(entry.settings))
      this.#add(new Topic(entry.name, entry.id, settings, this.#parts.config.topicDefaults))
      counts.set(entry.id, entry.partitionCount)
      return
    }
    const topic = this.#byId.get(entry.id)
    if (topic === undefined) return
    switch (entry.kind) {
      case 'delete':
        this.#remove(topic)
        // The process may have ended between the entry and the deletion.
        for (let i = 0; i < (counts.get(topic.id) ?? 0); i++) this.#parts.storage.deleteLog(topic.id, i)
        break
      case 'partitions':
        counts.set(topic.id, entry.partitionCount)
        break
      case 'settings':
        topic.settings = new Map(Object.entries(entry.settings))
        break
      case 'start':
        starts.set(`${topic.id}-${entry.partition}`, entry.offset)
        break
    }
  }
}

type TopicEntry =
  | { readonly kind: 'epoch'; readonly epoch: number }
  | {
      readonly kind: 'create'
      readonly name: string
      readonly id: string
      readonly partitionCount: number
      readonly settings: Readonly<Record<string, string>>
    }
  | { readonly kind: 'delete'; readonly id: string }
  | { readonly kind: 'partitions'; readonly id: string; readonly partitionCount: number }
  | { readonly kind: 'settings'; readonly id: string; readonly settings: Readonly<Record<string, string>> }
  | { readonly kind: 'start'; readonly id: string; readonly partition: number; readonly offset: number }
