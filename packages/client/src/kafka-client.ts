import type {
  Clock,
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
import { createAdmin } from './admin/index.ts'
import type { Cluster } from './cluster.ts'
import { createFetcher } from './fetch/index.ts'
import { createGroupMember } from './group/index.ts'
import { createCluster } from './kafka-cluster.ts'
import { createProducer } from './producer/index.ts'
import type { Transport } from './transport.ts'

export interface KafkaClientOptions {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Default: what the transport was configured with, else 30,000. */
  readonly requestTimeoutMs?: number
  /** Age at which metadata is read anew when it is used. Default 300,000. */
  readonly metadataMaxAgeMs?: number
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

class ClusterClient implements KafkaClient {
  readonly admin: KafkaAdmin
  readonly #options: KafkaClientOptions
  readonly #cluster: Cluster
  readonly #fetchers = new Set<Fetcher>()
  #fetcherCount = 0

  constructor(options: KafkaClientOptions) {
    this.#options = options
    this.#cluster = createCluster(options)
    this.admin = createAdmin(this.#parts(undefined))
  }

  async connect(): Promise<void> {
    await this.#cluster.refresh([])
  }

  createFetcher(options: FetcherOptions): Fetcher {
    const { requestTimeoutMs } = this.#options
    const lane = `fetch-${++this.#fetcherCount}`
    const onClosed = (): boolean => this.#fetchers.delete(fetcher)
    const fetcher: Fetcher = createFetcher({ ...this.#parts(options), lane, requestTimeoutMs, onClosed })
    this.#fetchers.add(fetcher)
    return fetcher
  }

  async createProducer(options: ProducerOptions): Promise<RecordProducer> {
    return await createProducer(this.#parts(options))
  }

  joinGroup(options: GroupOptions): GroupMember {
    return createGroupMember(this.#parts(options))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#fetchers].map(fetcher => fetcher.close()))
    await this.#cluster.close()
  }

  #parts<T>(options: T): { cluster: Cluster; clock: Clock; random: Random; logger: Logger; options: T } {
    const { clock, random, logger } = this.#options
    return { cluster: this.#cluster, clock, random, logger, options }
  }
}
