import type { Duplex } from 'node:stream'
import { type Clock, type Logger, type Random, SILENT_LOGGER, systemClock, systemRandom } from '@millrace/streams/ports'
import { type BrokerConfig, DEFAULT_BROKER_CONFIG } from './broker-config.ts'
import { BrokerRun, type BrokerRunParts } from './broker-run.ts'
import { Faults } from './faults/faults.ts'
import { HANDLERS } from './handlers/index.ts'
import { MemoryTransport } from './server/memory-transport.ts'
import type { ListeningAddress } from './server/tcp-listener.ts'
import { DiskStorage } from './storage/disk-storage.ts'
import type { BrokerStorage } from './storage/log-storage.ts'
import { MemoryStorage } from './storage/memory-storage.ts'

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
   * With `data`: `always` writes to the disk before anything is acknowledged, so that it survives a machine that goes
   * down. Default `never`: it survives the process; the operating system writes when it likes.
   */
  readonly fsync?: 'never' | 'always'
  readonly clock?: Clock
  readonly random?: Random
  /** Default: silent. */
  readonly logger?: Logger
}

/** Told to clients of a broker without a port; nothing listens there. */
const NO_PORT: ListeningAddress = { host: 'localhost', port: 9092 }
const EVERY_ADDRESS = new Set(['0.0.0.0', '::', ''])

/**
 * A single-node Kafka broker inside this process, for development and tests; production is Apache Kafka. It keeps
 * everything in memory, up to `maxMemoryBytes`, and forgets it when closed; or in the directory `data`, from which it
 * goes on also after its process was killed.
 *
 * Time, timers and chance come from `clock` and `random` only.
 */
export class EmbeddedBroker implements AsyncDisposable {
  /** Faults that a test wishes to see. */
  readonly faults: Faults
  readonly #parts: Omit<BrokerRunParts, 'storage' | 'listen'>
  readonly #openStorage: () => BrokerStorage
  #storage: BrokerStorage
  #run: BrokerRun
  #closed: Promise<void> | undefined

  private constructor(
    parts: Omit<BrokerRunParts, 'storage' | 'listen'>,
    openStorage: () => BrokerStorage,
    storage: BrokerStorage,
    run: BrokerRun
  ) {
    this.faults = parts.faults
    this.#parts = parts
    this.#openStorage = openStorage
    this.#storage = storage
    this.#run = run
  }

  /** @throws StreamsError `BROKER_LISTEN_FAILED`, `BROKER_DATA_LOCKED` */
  static async start(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
    const {
      host = '127.0.0.1',
      port,
      advertisedHost,
      data,
      fsync = 'never',
      clock = systemClock,
      random = systemRandom,
      logger = SILENT_LOGGER
    } = options
    const config = configOf(options)
    const openStorage = (): BrokerStorage =>
      data === undefined
        ? new MemoryStorage(config.maxMemoryBytes)
        : new DiskStorage({ dir: data, fsync, clock, logger })
    const advertised = { ...NO_PORT }
    if (port !== undefined) advertised.host = advertisedHost ?? (EVERY_ADDRESS.has(host) ? 'localhost' : host)
    const apis = HANDLERS.map(({ api }) => api)
    const parts = { config, clock, random, logger, faults: new Faults(clock, random, apis), advertised }
    const storage = openStorage()
    try {
      const listen = port === undefined ? undefined : { host, port }
      const run = await BrokerRun.begin({ ...parts, storage, listen })
      return new EmbeddedBroker(parts, openStorage, storage, run)
    } catch (error) {
      storage.close()
      throw error
    }
  }

  /** Where it listens; undefined without a port. */
  get address(): ListeningAddress | undefined {
    return this.#run.listener?.address
  }

  /** `host:port` for clients' settings. */
  get bootstrap(): string {
    const { host, port } = this.#parts.advertised
    return `${host}:${port}`
  }

  /** Open connections, of all kinds. */
  get connectionCount(): number {
    return this.#run.connections.count
  }

  /** A connection without a socket: bytes written to it are requests, bytes read from it are answers. */
  connect(): Duplex {
    return this.#run.connections.openStream()
  }

  /** For `createKafkaClient` of `@millrace/client`: its connections, without sockets. */
  transport(): MemoryTransport {
    return new MemoryTransport(this.#parts.advertised, this.#parts.clock, () => this.#run.connections.openPeer())
  }

  /**
   * Stops and starts again, at the same address: connections end, and topics, groups, offsets and transactions are what
   * was acknowledged, also without a data directory. Members of groups have a session's time to come back.
   *
   * @param options - `downMs`: how long it is away. Default 0.
   * @throws StreamsError `BROKER_LISTEN_FAILED` when another process took its port meanwhile.
   */
  async restart({ downMs = 0 }: { readonly downMs?: number } = {}): Promise<void> {
    if (this.#closed !== undefined) return
    const { clock } = this.#parts
    const listen = this.address
    await this.#run.end()
    if (downMs > 0) await new Promise<void>(resolve => void clock.setTimer(downMs, resolve))
    if (this.#storage.durable) {
      this.#storage.close()
      this.#storage = this.#openStorage()
    }
    this.#run = await BrokerRun.begin({ ...this.#parts, storage: this.#storage, listen })
  }

  /**
   * Ends the session of a group's member now, as if its heartbeats had stayed out.
   *
   * @returns False when there is no such member, or it waits for an answer and so needs no heartbeat.
   */
  expireSession(groupId: string, memberId: string): boolean {
    return this.#run.services.groups.expireSession(groupId, memberId)
  }

  /**
   * Aborts what runs under a transactional id and fences its producer, as another producer with the same id would.
   *
   * @returns False when the id is unknown, or its transaction is just being ended.
   */
  fenceProducer(transactionalId: string): boolean {
    return this.#run.services.transactions.fenceProducer(transactionalId)
  }

  /** Ends all connections and timers. What was acknowledged to clients is on disk if there is a disk. */
  close(): Promise<void> {
    this.#closed ??= this.#run.end().finally(() => this.#storage.close())
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function configOf(options: EmbeddedBrokerOptions): BrokerConfig {
  const given = Object.entries(options).filter(([name, value]) => name in DEFAULT_BROKER_CONFIG && value !== undefined)
  return { ...DEFAULT_BROKER_CONFIG, ...Object.fromEntries(given) }
}
