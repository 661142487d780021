import { type AbortedTransaction, isProtocolError, type ProtocolError, RecordBatchCursor } from '@millrace/protocol'
import { type Headers, NO_HEADERS, StreamsError } from '@millrace/streams/core'
import type { PartitionReader } from '@millrace/streams/ports'
import type { AnswerBytes } from './answer-bytes.ts'
import { ReadReplica } from './read-replica.ts'

interface Chunk {
  readonly records: Buffer
  /** Of whole batches. */
  readonly bytes: number
  readonly fetchOffset: number
  readonly aborted: readonly AbortedTransaction[] | null
  /** What it is a part of; undefined: it is left to the collector. */
  readonly answer: AnswerBytes | undefined
}

/** What a partition tells its fetcher. */
export interface FetchedPartitionOwner {
  /** A chunk was read to its end, or dropped. */
  released(bytes: number): void
}

/**
 * One partition: what was fetched and not yet read, and where to go on. Hot, hence plain fields: every record passes
 * `next()`.
 */
export class FetchedPartition implements PartitionReader {
  readonly topic: string
  readonly partition: number

  highWatermark = -1
  lastStableOffset = -1
  logStartOffset = -1

  // For the fetcher.
  /** Raised by each move: what was asked for before is ignored when it arrives. */
  generation = 0
  inFlight = false
  fetchOffset: number
  /** Of the last batch before `fetchOffset`; -1: unknown. */
  fetchedEpoch: number
  bufferedBytes = 0
  /** Not fetched before this instant, monotonic. */
  retryAtMs = 0
  failureCount = 0
  /** Since when the metadata lacks it, monotonic; undefined while it is there. */
  missingSinceMs: number | undefined
  /** Size of the first batch, when it was cut off. */
  neededBytes = 0
  failure: Error | undefined
  readonly replica = new ReadReplica()

  private readonly owner: FetchedPartitionOwner
  private readonly cursor = new RecordBatchCursor()
  private chunks: Chunk[] = []
  private currentBytes = 0
  private currentAnswer: AnswerBytes | undefined

  constructor(topic: string, partition: number, offset: number, leaderEpoch: number, owner: FetchedPartitionOwner) {
    this.topic = topic
    this.partition = partition
    this.fetchOffset = offset
    this.fetchedEpoch = leaderEpoch
    this.owner = owner
    this.cursor.reset(null, offset)
    this.cursor.partitionLeaderEpoch = leaderEpoch
  }

  next(): boolean {
    try {
      for (;;) {
        if (this.cursor.next()) return true
        if (!this.nextChunk()) return false
      }
    } catch (error) {
      throw this.readable(error)
    }
  }

  get offset(): number {
    return this.cursor.offset
  }

  get timestampMs(): number {
    return this.cursor.timestampMs
  }

  get buffer(): Buffer {
    return this.cursor.buffer
  }

  get keyStart(): number {
    return this.cursor.keyStart
  }

  get keyEnd(): number {
    return this.cursor.keyEnd
  }

  get valueStart(): number {
    return this.cursor.valueStart
  }

  get valueEnd(): number {
    return this.cursor.valueEnd
  }

  headers(): Headers {
    try {
      const headers = this.cursor.headers()
      return headers.length === 0 ? NO_HEADERS : headers
    } catch (error) {
      throw this.readable(error)
    }
  }

  get position(): number {
    return this.cursor.position
  }

  get leaderEpoch(): number {
    return this.cursor.partitionLeaderEpoch
  }

  get hasBuffered(): boolean {
    if (this.chunks.length > 0) return true
    try {
      return this.cursor.hasBuffered
    } catch {
      // Something is there, and `next` says what is wrong with it.
      return true
    }
  }

  /** Goes on at `offset`, forgetting everything. */
  moveTo(offset: number, leaderEpoch: number): void {
    this.drop()
    this.cursor.reset(null, offset)
    this.cursor.partitionLeaderEpoch = leaderEpoch
    this.fetchOffset = offset
    this.fetchedEpoch = leaderEpoch
    this.retryAtMs = 0
    this.failureCount = 0
    this.missingSinceMs = undefined
    this.neededBytes = 0
    this.failure = undefined
  }

  /** Nothing more will come, and what is buffered is let go. */
  drop(): void {
    this.generation++
    this.inFlight = false
    const bytes = this.bufferedBytes
    const position = this.cursor.position
    this.bufferedBytes = 0
    this.currentBytes = 0
    const { chunks } = this
    this.chunks = []
    this.cursor.reset(null, position)
    this.replaceAnswer(undefined)
    for (const { answer } of chunks) answer?.release()
    if (bytes > 0) this.owner.released(bytes)
  }

  /** Takes what was fetched from `fetchOffset`; `nextOffset` is behind the last whole batch, which has this epoch. */
  push(chunk: Chunk, nextOffset: number, leaderEpoch: number): void {
    this.chunks.push(chunk)
    this.bufferedBytes += chunk.bytes
    this.fetchOffset = nextOffset
    this.fetchedEpoch = leaderEpoch
  }

  /** `next` throws it once everything fetched before is read. */
  fail(error: Error): void {
    this.failure = error
  }

  private nextChunk(): boolean {
    const done = this.currentBytes
    if (done > 0) {
      this.currentBytes = 0
      this.bufferedBytes -= done
      this.owner.released(done)
    }
    const chunk = this.chunks.shift()
    if (chunk !== undefined) {
      this.currentBytes = chunk.bytes
      this.cursor.reset(chunk.records, chunk.fetchOffset, chunk.aborted)
      this.replaceAnswer(chunk.answer)
      return true
    }
    if (this.failure !== undefined) throw this.failure
    if (done > 0) {
      this.cursor.reset(null, this.cursor.position)
      this.replaceAnswer(undefined)
    }
    return false
  }

  private replaceAnswer(next: AnswerBytes | undefined): void {
    const last = this.currentAnswer
    this.currentAnswer = next
    last?.release()
  }

  private readable(error: unknown): Error {
    if (!isProtocolError(error)) return error as Error
    const { topic, partition } = this
    const offset = typeof error.details.baseOffset === 'number' ? error.details.baseOffset : this.cursor.position
    const what = `Topic '${topic}', partition ${partition}: ${error.message.replace(/ \([A-Z_]+\)$/, '')}`
    // The batch is sound, and not to be skipped: somebody else can read it.
    this.failure = isUnsupported(error)
      ? new StreamsError('RECORD_FORMAT_UNSUPPORTED', `${what}. Nothing of the batch at offset ${offset} was read.`, {
          cause: error,
          details: { topic, partition, offset }
        })
      : new StreamsError(
          'RECORD_CORRUPT',
          `${what}. Read from another replica, or skip it by going on behind offset ${offset}.`,
          { cause: error, details: { topic, partition, offset } }
        )
    return this.failure
  }
}

function isUnsupported(error: ProtocolError): boolean {
  return error.code === 'COMPRESSION_UNSUPPORTED' || error.code === 'RECORD_FORMAT_UNSUPPORTED'
}
