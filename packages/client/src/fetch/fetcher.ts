import { Fetch, kafkaError, type ResponseOf, ZERO_UUID } from '@millrace/protocol'
import { isStreamsError, StreamsError } from '@millrace/streams/core'
import type {
  Clock,
  Fetcher,
  FetcherOptions,
  Logger,
  PartitionReader,
  Random,
  TopicPartition
} from '@millrace/streams/ports'
import { Backoff, DEFAULT_RETRY_BACKOFF, type RetryBackoff } from '../backoff.ts'
import { CLIENT_DEFAULTS } from '../client-defaults.ts'
import type { Cluster, PartitionLeader } from '../cluster.ts'
import { KafkaErrorCode } from '../kafka-error-code.ts'
import { MISSING_AFTER_MS } from '../missing-topic.ts'
import { AnswerBytes } from './answer-bytes.ts'
import { measureBatches } from './batch-extent.ts'
import { defect, fatalRefusal, isOfAnotherLog, missing, outOfRange, truncated } from './fetch-errors.ts'
import { type FetchEntry, type FetchedData, fetchRequest, LAST_VERSION_BY_NAME, matchAnswer } from './fetch-request.ts'
import { FetchedPartition, type FetchedPartitionOwner } from './fetched-partition.ts'
import { FetchingBroker, latecomerLane, type Slot } from './fetching-broker.ts'
import { News } from './news.ts'
import { readOffsetRange } from './offset-range.ts'
import { StableOffsetWatch } from './stable-offset-watch.ts'

export interface FetcherParts {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Of this fetcher alone: closing it closes the lane. */
  readonly lane: string
  readonly requestTimeoutMs?: number | undefined
  readonly retryBackoff?: RetryBackoff | undefined
  /** The rack that brokers are told, so that they may name a follower in it (KIP-392). Default: none. */
  readonly clientRack?: string | undefined
  /** How long a follower is asked before the leader is asked again. Default 300,000. */
  readonly metadataMaxAgeMs?: number | undefined
  readonly onClosed?: (() => void) | undefined
  readonly options: FetcherOptions
}

/** Makes a fetcher. It sends nothing until a partition is added. */
export function createFetcher(parts: FetcherParts): Fetcher {
  return new BrokerFetcher(parts)
}

/** A broker's answer at most; more only makes each one slower to come and longer to hold. */
const RESPONSE_BYTES = 4 * 1024 * 1024
/** Of the byte limit: the rest is for partitions that were idle when it was divided. */
const ACTIVE_SHARE = 0.75
/**
 * A leader that has just been elected may not know yet how far its log is committed, and a follower learns it later than its
 * leader. Asked for what is beyond what it knows, a broker does not wait for it but answers at once, with nothing.
 */
const HASTE_PAUSE_MS = 50
/** A follower that knows no more by then is not following. */
const MOST_PAUSES = 40

/**
 * Decides anew after every event (an answer, freed bytes, an added partition, a retry that is due) which partitions to ask
 * for at which broker. See DESIGN.md.
 */
class BrokerFetcher implements Fetcher, FetchedPartitionOwner {
  readonly #parts: FetcherParts
  readonly #maxBufferedBytes: number
  readonly #maxWaitMs: number
  readonly #partitionMaxBytes: number
  readonly #partitions = new Map<string, FetchedPartition>()
  readonly #brokers = new Map<number, FetchingBroker>()
  readonly #outdatedTopics = new Set<string>()
  readonly #news: News
  readonly #retry: RetryBackoff
  readonly #stableOffsets: StableOffsetWatch | undefined
  #order: FetchedPartition[] = []
  #turn = 0
  #bufferedBytes = 0
  /** Whether freeing bytes can make a partition ready that was left out for them. */
  #leftOut = false
  #refreshing = false
  #pumpIsDue = false
  #cancelTimer: (() => void) | undefined
  #timerAtMs = Number.POSITIVE_INFINITY
  #closed = false

  constructor(parts: FetcherParts) {
    this.#parts = parts
    this.#maxBufferedBytes = parts.options.maxBufferedBytes
    this.#maxWaitMs = parts.options.maxWaitMs ?? 500
    this.#partitionMaxBytes = parts.options.partitionMaxBytes ?? 1024 * 1024
    this.#news = new News(parts.clock)
    this.#retry = parts.retryBackoff ?? DEFAULT_RETRY_BACKOFF
    const readsCommitted = parts.options.isolation === 'read_committed'
    this.#stableOffsets = readsCommitted ? new StableOffsetWatch(parts.logger) : undefined
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  add({ topic, partition }: TopicPartition, offset: number, leaderEpoch = -1): PartitionReader {
    if (this.#closed) throw new StreamsError('CLIENT_CLOSED', 'The fetcher is closed.')
    const key = keyOf(topic, partition)
    let reader = this.#partitions.get(key)
    if (reader === undefined) {
      reader = new FetchedPartition(topic, partition, offset, leaderEpoch, this)
      this.#partitions.set(key, reader)
      this.#order = [...this.#partitions.values()]
    } else {
      reader.moveTo(offset, leaderEpoch)
    }
    this.#pumpSoon()
    return reader
  }

  remove({ topic, partition }: TopicPartition): void {
    const key = keyOf(topic, partition)
    const reader = this.#partitions.get(key)
    if (reader === undefined) return
    this.#partitions.delete(key)
    this.#order = [...this.#partitions.values()]
    reader.failure = undefined
    reader.drop()
    this.#pumpSoon()
  }

  wait(timeoutMs: number): Promise<void> {
    if (this.#closed) return Promise.resolve()
    const waiting = this.#news.wait(timeoutMs)
    // The reader has run dry: see #isReady.
    if (this.#leftOut) this.#pump()
    return waiting
  }

  wake(): void {
    this.#news.wake()
  }

  released(bytes: number): void {
    this.#bufferedBytes -= bytes
    if (this.#leftOut) this.#pump()
  }

  get isClosed(): boolean {
    return this.#closed
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#cancelTimer?.()
    for (const reader of this.#partitions.values()) {
      reader.failure = undefined
      reader.drop()
    }
    this.#partitions.clear()
    this.#order = []
    // A long poll under way would keep its connection, and the broker's purgatory, busy for nothing.
    this.#parts.cluster.closeLane(this.#parts.lane)
    this.#parts.cluster.closeLane(latecomerLane(this.#parts.lane))
    this.#news.wake()
    this.#parts.onClosed?.()
  }

  // ── what to ask for ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Partitions are added and removed many at a time: one request is for all of them. */
  #pumpSoon(): void {
    if (this.#pumpIsDue) return
    this.#pumpIsDue = true
    queueMicrotask(() => {
      this.#pumpIsDue = false
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#closed) return
    const { cluster, clock } = this.#parts
    const nowMs = clock.monotonicMs()
    const share = this.#shareBytes()
    const wanted = new Map<FetchingBroker, { readonly slot: Slot; readonly entries: FetchEntry[] }>()
    let dueMs = Number.POSITIVE_INFINITY
    this.#leftOut = false
    // Kafka fills its answer in the order of the request, and cuts off what is behind: each comes first in turn.
    const count = this.#order.length
    this.#turn = count === 0 ? 0 : (this.#turn + 1) % count
    for (let index = 0; index < count; index++) {
      const reader = this.#order[(this.#turn + index) % count] as FetchedPartition
      if (reader.inFlight || reader.failure !== undefined) continue
      if (reader.retryAtMs > nowMs) {
        dueMs = Math.min(dueMs, reader.retryAtMs)
        continue
      }
      if (!this.#hasRoom(reader, share)) {
        this.#leftOut = true
        continue
      }
      const leader = cluster.leader(reader.topic, reader.partition)
      if (leader === undefined) {
        this.#outdatedTopics.add(reader.topic)
        continue
      }
      let broker = this.#broker(reader.replica.at(nowMs) ?? leader.nodeId)
      if (broker.retryAtMs > nowMs && broker.nodeId !== leader.nodeId) {
        reader.replica.avoid(nowMs)
        broker = this.#broker(leader.nodeId)
      }
      const askableAtMs = Math.max(broker.retryAtMs, broker.pausedUntilMs)
      if (askableAtMs > nowMs) {
        dueMs = Math.min(dueMs, askableAtMs)
        continue
      }
      let request = wanted.get(broker)
      if (request === undefined) {
        const slot = broker.freeSlot
        if (slot === undefined) continue
        request = { slot, entries: [] }
        wanted.set(broker, request)
      }
      request.entries.push(this.#entry(reader, leader, share, broker.nodeId !== leader.nodeId))
    }
    for (const [broker, { slot, entries }] of wanted) void this.#fetch(broker, slot, entries)
    if (this.#outdatedTopics.size > 0) void this.#refresh()
    this.#pumpAt(dueMs)
  }

  /** Bytes that one partition may hold: an equal part for each that has something to give. */
  #shareBytes(): number {
    let active = 0
    for (const reader of this.#order) {
      if (reader.bufferedBytes > 0 || reader.highWatermark < 0 || reader.fetchOffset < reader.highWatermark) active++
    }
    return Math.max(1, Math.floor((this.#maxBufferedBytes * ACTIVE_SHARE) / Math.max(1, active)))
  }

  /**
   * Half a share is free: asked for earlier, a slow reader's partition would come in crumbs. Above the whole limit
   * nothing is asked for, except what a reader has to wait for that holds records of other partitions alone: it may need
   * the missing one to go on, as a join by time does.
   */
  #hasRoom(reader: FetchedPartition, share: number): boolean {
    if (this.#bufferedBytes >= this.#maxBufferedBytes) return reader.bufferedBytes === 0 && this.#news.awaited
    return reader.bufferedBytes <= share / 2
  }

  #entry(partition: FetchedPartition, leader: PartitionLeader, share: number, fromFollower: boolean): FetchEntry {
    const room = Math.min(this.#partitionMaxBytes, share - partition.bufferedBytes)
    return {
      partition,
      generation: partition.generation,
      fetchOffset: partition.fetchOffset,
      topicId: this.#parts.cluster.cachedTopic(partition.topic)?.topicId ?? ZERO_UUID,
      leaderEpoch: leader.leaderEpoch,
      fetchedEpoch: partition.fetchedEpoch,
      maxBytes: Math.max(1, Math.floor(room), partition.neededBytes),
      fromFollower
    }
  }

  #broker(nodeId: number): FetchingBroker {
    let broker = this.#brokers.get(nodeId)
    if (broker === undefined) {
      const { lane, random } = this.#parts
      const { firstMs, maxMs } = this.#retry
      broker = new FetchingBroker(nodeId, lane, this.#maxWaitMs, new Backoff(firstMs, maxMs, random))
      this.#brokers.set(nodeId, broker)
    }
    return broker
  }

  #pumpAt(dueMs: number): void {
    if (dueMs >= this.#timerAtMs || dueMs === Number.POSITIVE_INFINITY) return
    const { clock } = this.#parts
    this.#cancelTimer?.()
    this.#timerAtMs = dueMs
    this.#cancelTimer = clock.setTimer(Math.max(0, dueMs - clock.monotonicMs()), () => {
      this.#timerAtMs = Number.POSITIVE_INFINITY
      this.#pump()
    })
  }

  // ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async #fetch(broker: FetchingBroker, slot: Slot, entries: readonly FetchEntry[]): Promise<void> {
    const { cluster, clock, options, logger, clientRack = '' } = this.#parts
    const { nodeId } = broker
    const nowMs = clock.monotonicMs()
    slot.busy = true
    for (const { partition } of entries) partition.inFlight = true
    try {
      const answer = await cluster.request(
        { nodeId },
        Fetch,
        fetchRequest(entries, {
          maxWaitMs: slot.maxWaitMs,
          minBytes: options.minBytes ?? 1,
          maxBytes: Math.min(options.maxBytes ?? RESPONSE_BYTES, Math.max(1, this.#maxBufferedBytes)),
          readCommitted: options.isolation === 'read_committed',
          rackId: entries.some(({ partition }) => partition.replica.avoids(nowMs)) ? '' : clientRack
        }),
        {
          lane: slot.lane,
          timeoutMs: (this.#parts.requestTimeoutMs ?? CLIENT_DEFAULTS.requestTimeoutMs) + slot.maxWaitMs,
          ...(entries.every(({ topicId }) => topicId !== ZERO_UUID) ? {} : { maxVersion: LAST_VERSION_BY_NAME })
        }
      )
      broker.backoff.reset()
      this.#land(entries)
      const gotRecords = this.#take(entries, answer)
      broker.joining = slot === broker.main && !gotRecords
      const answeredMs = clock.monotonicMs()
      if (answeredMs - nowMs < slot.maxWaitMs / 2 && saysNothing(answer)) {
        broker.pausedUntilMs = answeredMs + HASTE_PAUSE_MS
        if (++broker.pauses >= MOST_PAUSES) {
          broker.pauses = 0
          for (const { partition, fromFollower } of entries) if (fromFollower) partition.replica.avoid(answeredMs)
        }
      } else broker.pauses = 0
    } catch (error) {
      if (this.#closed) return
      this.#land(entries)
      const failure = isStreamsError(error) ? error : defect(error)
      if (failure.action === 'stop') {
        for (const entry of entries) if (isCurrent(entry)) this.#fail(entry.partition, failure)
      } else {
        broker.retryAtMs = clock.monotonicMs() + broker.backoff.nextMs()
        for (const { partition, fromFollower } of entries) {
          this.#outdatedTopics.add(partition.topic)
          if (fromFollower) partition.replica.avoid(clock.monotonicMs())
        }
        logger.warn(`A fetch from broker ${nodeId} failed and is tried again.`, { nodeId, error: failure.message })
      }
    } finally {
      slot.busy = false
      this.#pump()
    }
  }

  #land(entries: readonly FetchEntry[]): void {
    for (const entry of entries) if (isCurrent(entry)) entry.partition.inFlight = false
  }

  /** Whether the answer held records. */
  #take(entries: readonly FetchEntry[], answer: ResponseOf<typeof Fetch>): boolean {
    if (this.#closed) return false
    if (answer.errorCode !== KafkaErrorCode.NONE) {
      for (const entry of entries) if (isCurrent(entry)) this.#refuse(entry, answer.errorCode)
      return false
    }
    const bufferedBytes = this.#bufferedBytes
    const { cluster, options } = this.#parts
    const bytes = options.freesRead === true && cluster.answersAreOwn === true ? new AnswerBytes() : undefined
    let news = false
    for (const [entry, data] of matchAnswer(entries, answer)) {
      // Moved or removed since: this answers a question that nobody asks any more.
      if (!isCurrent(entry)) continue
      if (data.errorCode !== KafkaErrorCode.NONE) this.#refuse(entry, data.errorCode)
      else if (data.divergingEpoch.endOffset >= 0) this.#diverge(entry, data.divergingEpoch)
      else if (this.#store(entry, data, bytes)) news = true
    }
    if (news) this.#news.announce()
    return this.#bufferedBytes > bufferedBytes
  }

  /** Whether it brought anything new. */
  #store(
    { partition, fetchOffset, maxBytes }: FetchEntry,
    data: FetchedData,
    answer: AnswerBytes | undefined
  ): boolean {
    const { records } = data
    partition.failureCount = 0
    partition.missingSinceMs = undefined
    let news = data.highWatermark !== partition.highWatermark || data.lastStableOffset !== partition.lastStableOffset
    partition.highWatermark = data.highWatermark
    partition.lastStableOffset = data.lastStableOffset
    partition.logStartOffset = data.logStartOffset
    const nowMs = this.#parts.clock.monotonicMs()
    this.#stableOffsets?.saw(partition, nowMs)
    if (data.preferredReadReplica >= 0) {
      partition.replica.prefer(
        data.preferredReadReplica,
        nowMs,
        this.#parts.metadataMaxAgeMs ?? CLIENT_DEFAULTS.metadataMaxAgeMs
      )
    }
    if (records === null || records.length === 0) return news
    const extent = measureBatches(records, fetchOffset)
    partition.neededBytes = extent.bytes === 0 ? Math.max(extent.cutOffBatchBytes, maxBytes) : 0
    if (extent.bytes > 0 || extent.malformed) {
      // What is malformed goes to the reader as well, whose `next` says so; until then it is not asked for again.
      const bytes = extent.malformed ? records.length : extent.bytes
      const aborted = this.#parts.options.isolation === 'read_committed' ? data.abortedTransactions : null
      answer?.hold(records)
      partition.push({ records, bytes, fetchOffset, aborted, answer }, extent.nextOffset, extent.leaderEpoch)
      if (extent.malformed) partition.retryAtMs = Number.POSITIVE_INFINITY
      this.#bufferedBytes += bytes
      news = true
    }
    return news
  }

  // ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #refuse(entry: FetchEntry, errorCode: number): void {
    const { partition } = entry
    if (entry.fromFollower) {
      // It may lag behind, or be no replica any more; what holds is what the leader says.
      partition.replica.avoid(this.#parts.clock.monotonicMs())
      this.#outdatedTopics.add(partition.topic)
      return
    }
    if (errorCode === KafkaErrorCode.OFFSET_OUT_OF_RANGE) {
      void this.#reportRange(entry)
      return
    }
    const error = fatalRefusal(entry, errorCode)
    if (error !== undefined) return this.#fail(partition, error)
    // A leader that moved, most often: look again, then ask again. Unknown codes too, as Kafka adds new ones.
    this.#outdatedTopics.add(partition.topic)
    this.#retryLater(partition)
    const { topic, partition: index } = partition
    this.#parts.logger.debug(`A partition was not fetched (${kafkaError(errorCode).name}) and is tried again.`, {
      topic,
      partition: index
    })
  }

  /** The leader has other records before `fetchOffset` than those that were read, or none. */
  #diverge(entry: FetchEntry, { endOffset }: FetchedData['divergingEpoch']): void {
    const { partition, fetchOffset, fetchedEpoch } = entry
    if (entry.fromFollower) {
      // It may only lag behind.
      partition.replica.avoid(this.#parts.clock.monotonicMs())
    } else if (endOffset >= fetchOffset) {
      // Read up to exactly where they part ways.
      partition.fetchedEpoch = -1
    } else if (entry.leaderEpoch === fetchedEpoch) {
      // A leader cuts nothing off while it leads: it is another topic of this name.
      void this.#reportRange(entry)
    } else this.#fail(partition, truncated(entry, endOffset))
  }

  #retryLater(partition: FetchedPartition): void {
    const { clock, random } = this.#parts
    const { firstMs, maxMs } = this.#retry
    const base = Math.min(maxMs, firstMs * 2 ** Math.min(partition.failureCount, 10))
    partition.failureCount++
    partition.retryAtMs = clock.monotonicMs() + base * (0.8 + 0.4 * random())
  }

  #fail(partition: FetchedPartition, error: Error): void {
    partition.fail(error)
    this.#news.announce()
  }

  /** The refusal names no bounds, and a leader that lags behind refuses what is in range: ask before giving up. */
  async #reportRange(entry: FetchEntry): Promise<void> {
    const { partition, fetchOffset } = entry
    partition.inFlight = true
    const { cluster, lane } = this.#parts
    const range = await readOffsetRange(cluster, latecomerLane(lane), partition.topic, partition.partition).catch(
      () => undefined
    )
    if (this.#closed || !isCurrent(entry)) return
    partition.inFlight = false
    const isThere =
      range !== undefined &&
      fetchOffset >= range.logStartOffset &&
      fetchOffset <= range.highWatermark &&
      !isOfAnotherLog(entry)
    if (range === undefined || isThere) {
      this.#outdatedTopics.add(partition.topic)
      // A leader that no longer knows of the epoch refuses with the same error.
      if (isThere) partition.fetchedEpoch = -1
      this.#retryLater(partition)
    } else {
      this.#fail(partition, outOfRange(entry, range))
    }
    this.#pump()
  }

  // ── metadata ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #refresh(): Promise<void> {
    if (this.#refreshing) return
    this.#refreshing = true
    const { cluster, logger } = this.#parts
    const topics = [...this.#outdatedTopics]
    this.#outdatedTopics.clear()
    try {
      await cluster.refresh(topics)
    } catch (error) {
      if (this.#closed) return
      const failure = error instanceof Error ? error : new Error(String(error))
      if (isStreamsError(failure) && failure.action === 'stop') {
        // Of one topic, or of the whole cluster.
        const refused = typeof failure.details.topic === 'string' ? [failure.details.topic] : topics
        for (const reader of this.#order) if (refused.includes(reader.topic)) this.#fail(reader, failure)
      } else {
        logger.warn('Metadata could not be read and is asked for again.', { topics, error: failure.message })
      }
    } finally {
      this.#refreshing = false
      if (!this.#closed) {
        for (const reader of this.#order) if (topics.includes(reader.topic)) this.#checkLeader(reader)
        this.#pump()
      }
    }
  }

  /** After its topic was looked up: asks again later while it has no leader, gives up when it does not exist. */
  #checkLeader(reader: FetchedPartition): void {
    const { cluster, clock } = this.#parts
    if (reader.failure !== undefined || cluster.leader(reader.topic, reader.partition) !== undefined) return
    const nowMs = clock.monotonicMs()
    const topic = cluster.cachedTopic(reader.topic)
    if (topic?.partitions[reader.partition] === undefined) {
      reader.missingSinceMs ??= nowMs
      if (nowMs - reader.missingSinceMs >= MISSING_AFTER_MS) {
        this.#fail(reader, missing(reader, topic))
        return
      }
    }
    if (reader.retryAtMs <= nowMs) this.#retryLater(reader)
  }
}

/** No records, no error, no other broker to go to. */
function saysNothing({ errorCode, responses }: ResponseOf<typeof Fetch>): boolean {
  if (errorCode !== KafkaErrorCode.NONE) return false
  for (const { partitions } of responses) {
    for (const { errorCode: partitionError, records, preferredReadReplica } of partitions) {
      if (partitionError !== KafkaErrorCode.NONE || preferredReadReplica >= 0) return false
      if (records !== null && records.length > 0) return false
    }
  }
  return true
}

function isCurrent({ partition, generation }: FetchEntry): boolean {
  return partition.generation === generation
}

function keyOf(topic: string, partition: number): string {
  return `${partition} ${topic}`
}
