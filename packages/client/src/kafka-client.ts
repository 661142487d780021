import type {
  Clock,
  EventLoop,
  Fetcher,
  FetcherOptions,
  GroupMember,
  GroupOptions,
  KafkaAdmin,
  KafkaClient,
  Logger,
  ProducerOptions,
  Random,
  RecordProducer
} from '@millrace/streams/ports'
import { connectPatiently, createAdmin } from './admin/index.ts'
import { DEFAULT_RETRY_BACKOFF, type RetryBackoff } from './backoff.ts'
import type { Cluster } from './cluster.ts'
import { createFetcher } from './fetch/index.ts'
import { checkFetcherOptions } from './fetcher-options.ts'
import { checkGroupOptions } from './group-options.ts'
import { createGroupMember } from './group/index.ts'
import { createCluster } from './kafka-cluster.ts'
import { ProcessHold } from './process-hold.ts'
import { createProducer } from './producer/index.ts'
import type { Transport } from './transport.ts'

export interface KafkaClientOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Held open while a promise given by the client, or by what it made, is pending. Default: none, the process may end in between. */
  readonly eventLoop?: Pick<EventLoop, 'holdOpen'> | undefined
  /** Default: what the transport was configured with, else 30,000. */
  readonly requestTimeoutMs?: number | undefined
  /** Age at which metadata is read anew when it is used. Default 300,000. */
  readonly metadataMaxAgeMs?: number | undefined
  /** First and longest wait between attempts at what may pass; it doubles. Defaults 100 and 1,000. */
  readonly retryBackoffMs?: number | undefined
  readonly retryBackoffMaxMs?: number | undefined
  /** A connection on which nothing was asked for so long is closed, and opened again when it is needed. Default 540,000. */
  readonly connectionsMaxIdleMs?: number | undefined
  /** A rack as brokers name theirs: followers in it are read from, where leaders say so (KIP-392). Default: none. */
  readonly clientRack?: string | undefined
}

/**
 * Makes a client over a transport. It connects with `connect`, or with its first use.
 *
 * @returns The client; `close` also closes the fetchers made by it. Producers and group members are closed by their owners,
 *   before it.
 */
export function createKafkaClient(options: KafkaClientOptions): KafkaClient {
  return new ClusterClient(options)
}

/** What all parts of a client have in common. */
interface SharedParts {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly retryBackoff: RetryBackoff
}

const ADMIN_CALLS = [
  'describeTopics',
  'createTopics',
  'deleteTopics',
  'describeTopicConfigs',
  'listOffsets',
  'fetchOffsets',
  'deleteRecords',
  'describeGroup',
  'deleteGroup'
] as const satisfies readonly (keyof KafkaAdmin)[]
const PRODUCER_CALLS = ['topic', 'whenWritable', 'flush', 'commit', 'abort', 'reset', 'close'] as const

class ClusterClient implements KafkaClient {
  readonly admin: KafkaAdmin
  readonly #options: KafkaClientOptions
  readonly #retryBackoff: RetryBackoff
  readonly #cluster: Cluster
  readonly #hold: ProcessHold
  readonly #fetchers = new Set<Fetcher>()
  #fetcherCount = 0

  constructor(options: KafkaClientOptions) {
    this.#options = options
    this.#retryBackoff = {
      firstMs: options.retryBackoffMs ?? DEFAULT_RETRY_BACKOFF.firstMs,
      maxMs: options.retryBackoffMaxMs ?? DEFAULT_RETRY_BACKOFF.maxMs
    }
    this.#cluster = createCluster({ ...options, retryBackoff: this.#retryBackoff })
    this.#hold = new ProcessHold(options.eventLoop)
    this.admin = this.#hold.over(createAdmin(this.#parts(undefined)), ADMIN_CALLS)
  }

  connect({ timeoutMs = 0 }: { readonly timeoutMs?: number } = {}): Promise<void> {
    return this.#hold.until(connectPatiently(this.#parts(undefined), timeoutMs))
  }

  createFetcher(options: FetcherOptions): Fetcher {
    checkFetcherOptions(options)
    const { clientRack, metadataMaxAgeMs } = this.#options
    const lane = `fetch-${++this.#fetcherCount}`
    const onClosed = (): boolean => this.#fetchers.delete(fetcher)
    const fetcher: Fetcher = createFetcher({
      ...this.#parts(options),
      lane,
      requestTimeoutMs: this.#requestTimeoutMs,
      clientRack,
      metadataMaxAgeMs,
      onClosed
    })
    this.#fetchers.add(fetcher)
    return this.#hold.over(fetcher, ['wait', 'close'])
  }

  async createProducer(options: ProducerOptions): Promise<RecordProducer> {
    const requestTimeoutMs = this.#requestTimeoutMs
    const { firstMs, maxMs } = this.#retryBackoff
    const parts = this.#parts({ requestTimeoutMs, retryBackoffMs: firstMs, retryBackoffMaxMs: maxMs, ...options })
    const { metadataMaxAgeMs } = this.#options
    return this.#hold.over(await this.#hold.until(createProducer({ ...parts, metadataMaxAgeMs })), PRODUCER_CALLS)
  }

  joinGroup(options: GroupOptions): GroupMember {
    checkGroupOptions(options)
    const parts = { ...this.#parts(options), metadataMaxAgeMs: this.#options.metadataMaxAgeMs }
    return this.#hold.over(createGroupMember(parts), ['whenStable', 'leave'])
  }

  close(): Promise<void> {
    return this.#hold.until(this.#close())
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#fetchers].map(fetcher => fetcher.close()))
    await this.#cluster.close()
  }

  get #requestTimeoutMs(): number | undefined {
    const { requestTimeoutMs, transport } = this.#options
    return requestTimeoutMs ?? transport.defaults?.requestTimeoutMs
  }

  #parts<T>(options: T): SharedParts & { readonly options: T } {
    const { clock, random, logger } = this.#options
    return { cluster: this.#cluster, clock, random, logger, retryBackoff: this.#retryBackoff, options }
  }
}
