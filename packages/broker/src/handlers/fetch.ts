import { type DecodedRequestOf, Fetch, type ResponseInputOf } from '@millrace/protocol'
import { ErrorCode } from '../error-code.ts'
import type { Isolation, PartitionLog } from '../log/partition-log.ts'
import type { Topic } from '../topics/topic.ts'
import type { Handler, RequestContext } from './handler.ts'
import { leaderEpochError } from './leader-epoch-error.ts'

type Request = DecodedRequestOf<typeof Fetch>
type Response = ResponseInputOf<typeof Fetch>
type AskedPartition = Request['topics'][number]['partitions'][number]
type AnsweredPartition = Response['responses'][number]['partitions'][number]

interface Read {
  readonly asked: AskedPartition
  readonly topic: Topic | undefined
  readonly log: PartitionLog | undefined
}

const BY_ID_FROM = 13
const FINAL_SESSION_EPOCH = -1
const INITIAL_SESSION_EPOCH = 0

/**
 * Reads record batches, waiting for `minBytes` of them up to `maxWaitMs`. No incremental sessions are kept: the answer
 * says so with session id 0, and clients go on with full requests. Not served: followers, and version 18.
 */
export const fetch: Handler<typeof Fetch> = {
  api: Fetch,
  versions: [4, 17],
  handle(request, context) {
    // A full request of a session that another broker knew ends that session; anything else needs one that is known.
    if (request.sessionEpoch !== FINAL_SESSION_EPOCH && request.sessionEpoch !== INITIAL_SESSION_EPOCH) {
      return failed(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    }
    return new FetchInProgress(request, context).answer()
  }
}

class FetchInProgress {
  readonly #request: Request
  readonly #context: RequestContext
  readonly #isolation: Isolation
  readonly #reads: readonly (readonly Read[])[]

  constructor(request: Request, context: RequestContext) {
    this.#request = request
    this.#context = context
    this.#isolation = request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted'
    const { topics } = context.broker
    this.#reads = request.topics.map(({ topic: name, topicId, partitions }) => {
      const topic = context.version >= BY_ID_FROM ? topics.byId(topicId) : topics.byName(name)
      return partitions.map(asked => ({ asked, topic, log: topic?.partitions[asked.partition] }))
    })
  }

  answer(): Response | Promise<Response> {
    const { maxWaitMs } = this.#request
    return maxWaitMs <= 0 || this.#isReady() ? this.#read() : this.#wait(maxWaitMs)
  }

  /** Until there is enough to read, something is wrong, the time is over, or nobody waits for the answer any more. */
  #wait(maxWaitMs: number): Promise<Response> {
    const { broker, connection } = this.#context
    return new Promise((resolve, reject) => {
      const endings: (() => void)[] = []
      const end = (): void => endings.splice(0).forEach(ending => ending())
      // What cannot be read is this reader's trouble, not that of the producer whose append calls.
      const finishIf = (isDue: () => boolean): void => {
        try {
          if (!isDue()) return
          end()
          resolve(this.#read())
        } catch (error) {
          end()
          reject(error as Error)
        }
      }
      const look = (): void => finishIf(() => this.#isReady())
      const finish = (): void => finishIf(() => true)
      for (const { log } of this.#reads.flat()) if (log !== undefined) endings.push(log.onChange(look))
      endings.push(broker.clock.setTimer(maxWaitMs, finish))
      connection.closed.addEventListener('abort', finish)
      endings.push(() => connection.closed.removeEventListener('abort', finish))
    })
  }

  #isReady(): boolean {
    if (this.#reads.length === 0) return true
    let bytes = 0
    for (const reads of this.#reads) {
      for (const read of reads) {
        if (this.#errorOf(read) !== ErrorCode.NONE) return true
        const available = (read.log as PartitionLog).availableBytes(read.asked.fetchOffset, this.#isolation)
        // What does not fit into this answer does not count, as in Kafka.
        bytes += Math.min(available, read.asked.partitionMaxBytes)
        if (available > 0 && bytes >= this.#request.minBytes) return true
      }
    }
    return bytes >= this.#request.minBytes
  }

  #read(): Response {
    let leftBytes = Math.min(this.#request.maxBytes, this.#context.broker.config.maxFetchBytes)
    let nothingYet = true
    const responses = this.#request.topics.map(({ topic, topicId }, i) => ({
      topic,
      topicId,
      partitions: (this.#reads[i] as readonly Read[]).map((read): AnsweredPartition => {
        const errorCode = this.#errorOf(read)
        if (errorCode !== ErrorCode.NONE) return refused(read.asked, errorCode)
        const log = read.log as PartitionLog
        const diverging = divergence(log, read.asked)
        const limit = Math.min(leftBytes, read.asked.partitionMaxBytes)
        const outcome = log.read(
          read.asked.fetchOffset,
          diverging === undefined ? limit : 0,
          this.#isolation,
          nothingYet
        )
        leftBytes = Math.max(leftBytes - outcome.sizeBytes, 0)
        if (outcome.sizeBytes > 0) nothingYet = false
        return {
          partitionIndex: read.asked.partition,
          errorCode: ErrorCode.NONE,
          highWatermark: log.highWatermark,
          lastStableOffset: log.lastStableOffset,
          logStartOffset: log.startOffset,
          divergingEpoch: diverging,
          abortedTransactions: outcome.abortedTransactions,
          records: outcome.records
        }
      })
    }))
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, responses }
  }

  #errorOf({ asked, topic, log }: Read): number {
    if (log === undefined || log.closed) {
      const unknownId = topic === undefined && this.#context.version >= BY_ID_FROM
      return unknownId || (log?.closed === true && this.#context.version >= BY_ID_FROM)
        ? ErrorCode.UNKNOWN_TOPIC_ID
        : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    }
    const wrongEpoch = leaderEpochError(log, asked.currentLeaderEpoch)
    if (wrongEpoch !== ErrorCode.NONE) return wrongEpoch
    const inRange = asked.fetchOffset >= log.startOffset && asked.fetchOffset <= log.endOffset
    return inRange ? ErrorCode.NONE : ErrorCode.OFFSET_OUT_OF_RANGE
  }
}

/** A reader whose last record is of an epoch that ended before its offset has read what was lost since (KIP-595). */
function divergence(log: PartitionLog, asked: AskedPartition): { epoch: number; endOffset: number } | undefined {
  if (asked.lastFetchedEpoch < 0) return undefined
  const end = log.endOfEpoch(asked.lastFetchedEpoch)
  return end.epoch < asked.lastFetchedEpoch || end.endOffset < asked.fetchOffset ? end : undefined
}

function failed(errorCode: number): Response {
  return { throttleTimeMs: 0, errorCode, responses: [] }
}

function refused({ partition }: AskedPartition, errorCode: number): AnsweredPartition {
  const unknown = errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION || errorCode === ErrorCode.UNKNOWN_TOPIC_ID
  return {
    partitionIndex: partition,
    errorCode,
    highWatermark: -1,
    abortedTransactions: unknown ? [] : null,
    records: []
  }
}
