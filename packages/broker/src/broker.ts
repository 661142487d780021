import type { Duplex } from 'node:stream'
import { StreamsError } from '@millrace/streams/core'
import { type Clock, type Logger, type Random, SILENT_LOGGER, systemClock, systemRandom } from '@millrace/streams/ports'
import { type BrokerConfig, DEFAULT_BROKER_CONFIG } from './broker-config.ts'
import { BrokerRun, type BrokerRunParts } from './broker-run.ts'
import { Faults } from './faults/faults.ts'
import { HANDLERS } from './handlers/index.ts'
import { MemoryTransport } from './server/memory-transport.ts'
import { addressText, type ListeningAddress } from './server/tcp-listener.ts'
import { DiskStorage } from './storage/disk-storage.ts'
import { type BrokerStorage, StorageError } from './storage/log-storage.ts'
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
  /** Resolves when no restart is under way. */
  #restarted: Promise<void> = Promise.resolve()
  #endDownTime: () => void = () => {}
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

  /** @throws StreamsError `BROKER_LISTEN_FAILED`, `BROKER_DATA_LOCKED`, `BROKER_DATA_UNUSABLE` */
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
    const openStorage = (): BrokerStorage => {
      if (data === undefined) return new MemoryStorage(config.maxMemoryBytes)
      try {
        return new DiskStorage({ dir: data, fsync, clock, logger })
      } catch (error) {
        throw dataError(error, data)
      }
    }
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
      throw data === undefined ? error : dataError(error, data)
    }
  }

  /** Where it listens; undefined without a port. */
  get address(): ListeningAddress | undefined {
    return this.#run.listener?.address
  }

  /** `host:port` for clients' settings. */
  get bootstrap(): string {
    return addressText(this.#parts.advertised)
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
  restart({ downMs = 0 }: { readonly downMs?: number } = {}): Promise<void> {
    // One after the other, also when nobody waits for the one before.
    const restarted = this.#restarted.then(() => this.#restart(downMs))
    this.#restarted = restarted.catch(() => {})
    return restarted
  }

  async #restart(downMs: number): Promise<void> {
    if (this.#closed !== undefined) return
    const listen = this.address
    await this.#run.end()
    if (downMs > 0) await this.#downTime(downMs)
    if (this.#closed !== undefined) return
    if (this.#storage.durable) {
      this.#storage.close()
      this.#storage = this.#openStorage()
    }
    this.#run = await BrokerRun.begin({ ...this.#parts, storage: this.#storage, listen })
  }

  #downTime(downMs: number): Promise<void> {
    return new Promise(resolve => {
      const cancel = this.#parts.clock.setTimer(downMs, resolve)
      this.#endDownTime = () => {
        cancel()
        resolve()
      }
    })
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
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#endDownTime()
    await this.#restarted
    try {
      await this.#run.end()
    } finally {
      this.#storage.close()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** What the operating system says of the data directory, in words; any other error as it is. */
function dataError(error: unknown, dir: string): unknown {
  const bySystem = error instanceof Error && 'syscall' in error
  if (!bySystem && !(error instanceof StorageError)) return error
  const message = `The embedded broker cannot keep its data in '${dir}': ${error.message}. Make room, or take another directory.`
  return new StreamsError('BROKER_DATA_UNUSABLE', message, { cause: error, details: { dir } })
}

function configOf(options: EmbeddedBrokerOptions): BrokerConfig {
  const given = Object.entries(options).filter(([name, value]) => name in DEFAULT_BROKER_CONFIG && value !== undefined)
  return { ...DEFAULT_BROKER_CONFIG, ...Object.fromEntries(given) }
}
