import type { Duplex } from 'node:stream'
import { type Clock, type Logger, type Random, SILENT_LOGGER } from '@millrace/streams/ports'
import { type BrokerConfig, DEFAULT_BROKER_CONFIG } from './broker-config.ts'
import type { BrokerServices } from './broker-services.ts'
import { GroupCoordinator } from './groups/group-coordinator.ts'
import { HANDLERS } from './handlers/index.ts'
import { randomUuid } from './random-uuid.ts'
import { Connections } from './server/connections.ts'
import { MemoryTransport } from './server/memory-transport.ts'
import { RequestDispatcher } from './server/request-dispatcher.ts'
import { type ListeningAddress, TcpListener } from './server/tcp-listener.ts'
import type { BrokerStorage } from './storage/log-storage.ts'
import { DiskStorage } from './storage/disk-storage.ts'
import { MemoryStorage } from './storage/memory-storage.ts'
import { realClock, realRandom } from './system-time.ts'
import { Topics } from './topics/topics.ts'
import { TransactionCoordinator } from './transactions/transaction-coordinator.ts'

export interface EmbeddedBrokerOptions extends Partial<BrokerConfig> {
  /** Address to listen on. Default `127.0.0.1`: there is no authentication. */
  readonly host?: string
  /** Port to listen on; 0 takes a free one. Default: none, and only `connect` and `transport` reach the broker. */
  readonly port?: number
  /** What clients are told to connect to. Default: `host`, or `localhost` when that stands for every address. */
  readonly advertisedHost?: string
  /** Directory to keep everything in, made if it is not there. Default: memory, which is forgotten. */
  readonly data?: string
  /**
   * With `data`: `always` writes to the disk before anything is acknowledged, so that it survives a machine that goes down.
   * Default `never`: it survives the process; the operating system writes when it likes.
   */
  readonly fsync?: 'never' | 'always'
  readonly clock?: Clock
  readonly random?: Random
  /** Default: silent. */
  readonly logger?: Logger
}

const NODE_ID = 1
/** Told to clients of a broker without a port; nothing listens there. */
const NO_PORT: ListeningAddress = { host: 'localhost', port: 9092 }
const EVERY_ADDRESS = new Set(['0.0.0.0', '::', ''])

/**
 * A single-node Kafka broker inside this process, for development and tests; production is Apache Kafka. It keeps
 * everything in memory, up to `maxMemoryBytes`, and forgets it when closed; or in the directory `data`, from which it goes on
 * also after its process was killed.
 *
 * Time, timers and chance come from `clock` and `random` only.
 */
export class EmbeddedBroker implements AsyncDisposable {
  readonly #services: BrokerServices
  readonly #storage: BrokerStorage
  readonly #connections: Connections
  readonly #listener: TcpListener | undefined
  readonly #stopCleanup: () => void
  #closed: Promise<void> | undefined

  private constructor(
    services: BrokerServices,
    storage: BrokerStorage,
    connections: Connections,
    listener: TcpListener | undefined
  ) {
    this.#services = services
    this.#storage = storage
    this.#connections = connections
    this.#listener = listener
    this.#stopCleanup = cleanUpRegularly(services)
  }

  /** @throws StreamsError `BROKER_LISTEN_FAILED`, `BROKER_DATA_LOCKED` */
  static async start(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
    const {
      host = '127.0.0.1',
      port,
      advertisedHost,
      clock = realClock,
      random = realRandom,
      logger = SILENT_LOGGER
    } = options
    const config = configOf(options)
    const storage: BrokerStorage =
      options.data === undefined
        ? new MemoryStorage(config.maxMemoryBytes)
        : new DiskStorage({ dir: options.data, fsync: options.fsync ?? 'never', clock, logger })
    const topics = new Topics({ config, clock, random, storage })
    topics.start()
    const parts = { config, clock, random, logger, topics }
    const groups = new GroupCoordinator({ ...parts, journal: storage.journal('groups') })
    groups.start()
    const transactions = new TransactionCoordinator({ ...parts, groups, journal: storage.journal('transactions') })
    transactions.start()
    const advertised = { ...NO_PORT }
    const services: BrokerServices = {
      ...parts,
      groups,
      transactions,
      clusterId: clusterIdOf(storage, random),
      nodeId: NODE_ID,
      advertised,
      servedApis: HANDLERS.map(({ api, versions: [minVersion, maxVersion] }) => ({
        apiKey: api.key,
        minVersion,
        maxVersion
      }))
    }
    const connections = new Connections(new RequestDispatcher(HANDLERS, services), services)
    let listener: TcpListener | undefined
    if (port !== undefined) {
      try {
        listener = await TcpListener.open(host, port, socket => connections.serveSocket(socket))
      } catch (error) {
        stopParts(services)
        storage.close()
        throw error
      }
      advertised.host = advertisedHost ?? (EVERY_ADDRESS.has(host) ? 'localhost' : host)
      advertised.port = listener.address.port
    }
    return new EmbeddedBroker(services, storage, connections, listener)
  }

  /** Where it listens; undefined without a port. */
  get address(): ListeningAddress | undefined {
    return this.#listener?.address
  }

  /** `host:port` for clients' settings. */
  get bootstrap(): string {
    const { host, port } = this.#services.advertised
    return `${host}:${port}`
  }

  /** Open connections, of all kinds. */
  get connectionCount(): number {
    return this.#connections.count
  }

  /** A connection without a socket: bytes written to it are requests, bytes read from it are answers. */
  connect(): Duplex {
    return this.#connections.openStream()
  }

  /** For `createKafkaClient` of `@millrace/client`: its connections, without sockets. */
  transport(): MemoryTransport {
    return new MemoryTransport(this.#services.advertised, this.#services.clock, () => this.#connections.openPeer())
  }

  /** Ends all connections and timers. What was acknowledged to clients is on disk if there is a disk. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#stopCleanup()
    const listening = this.#listener?.close()
    const connections = this.#connections.close()
    // Requests that wait for members or records are given up first: their connections end with them.
    stopParts(this.#services)
    await connections
    await listening
    this.#storage.close()
  }
}

function stopParts({ groups, transactions, topics }: BrokerServices): void {
  transactions.close()
  groups.close()
  topics.close()
}

function configOf(options: EmbeddedBrokerOptions): BrokerConfig {
  const given = Object.entries(options).filter(([name, value]) => name in DEFAULT_BROKER_CONFIG && value !== undefined)
  return { ...DEFAULT_BROKER_CONFIG, ...Object.fromEntries(given) }
}

/** Drawn once in the life of the data. */
function clusterIdOf(storage: BrokerStorage, random: Random): string {
  const journal = storage.journal('cluster')
  for (const { clusterId } of journal.replay()) if (typeof clusterId === 'string') return clusterId
  const clusterId = randomUuid(random)
  journal.append({ clusterId })
  return clusterId
}

function cleanUpRegularly({ clock, config, topics }: BrokerServices): () => void {
  let cancel: () => void
  const arm = (): void => {
    cancel = clock.setTimer(config.logCleanupIntervalMs, () => {
      for (const topic of topics.all()) topics.cleanUp(topic)
      arm()
    })
  }
  arm()
  return () => cancel()
}
