import { type BrokerConfig } from './broker-config.ts'
import type { BrokerServices } from './broker-services.ts'
import type { Faults } from './faults/faults.ts'
import { GroupCoordinator } from './groups/group-coordinator.ts'
import { HANDLERS } from './handlers/index.ts'
import { randomUuid } from './random-uuid.ts'
import { Connections } from './server/connections.ts'
import { RequestDispatcher } from './server/request-dispatcher.ts'
import { type ListeningAddress, TcpListener } from './server/tcp-listener.ts'
import type { BrokerStorage } from './storage/log-storage.ts'
import { Topics } from './topics/topics.ts'
import { TransactionCoordinator } from './transactions/transaction-coordinator.ts'
import type { Clock, Logger, Random } from '@millrace/streams/ports'

export interface BrokerRunParts {
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly storage: BrokerStorage
  readonly faults: Faults
  /** Where to listen; undefined for nowhere. */
  readonly listen: ListeningAddress | undefined
  /** What clients are told to connect to; its port is set when it is known. */
  readonly advertised: { host: string; port: number }
}

const NODE_ID = 1

/** The broker from one start to the next stop: all that is rebuilt from the storage when it starts again. */
export class BrokerRun {
  readonly services: BrokerServices
  readonly connections: Connections
  readonly listener: TcpListener | undefined
  readonly #stopCleanup: () => void

  private constructor(services: BrokerServices, connections: Connections, listener: TcpListener | undefined) {
    this.services = services
    this.connections = connections
    this.listener = listener
    this.#stopCleanup = cleanUpRegularly(services)
  }

  /** @throws StreamsError `BROKER_LISTEN_FAILED` */
  static async begin({ storage, faults, listen, advertised, ...given }: BrokerRunParts): Promise<BrokerRun> {
    const ports = { ...given, clock: guarded(given.clock, given.logger) }
    const topics = new Topics({ ...ports, storage })
    const parts = { ...ports, topics }
    const groups = new GroupCoordinator({ ...parts, journal: storage.journal('groups') })
    const transactions = new TransactionCoordinator({ ...parts, groups, journal: storage.journal('transactions') })
    const services: BrokerServices = {
      ...parts,
      groups,
      transactions,
      clusterId: clusterIdOf(storage, ports.random),
      nodeId: NODE_ID,
      advertised,
      servedApis: HANDLERS.map(({ api, versions: [minVersion, maxVersion] }) => ({
        apiKey: api.key,
        minVersion,
        maxVersion
      }))
    }
    const connections = new Connections(new RequestDispatcher(HANDLERS, services, faults), services)
    try {
      topics.start()
      groups.start()
      transactions.start()
      if (listen === undefined) return new BrokerRun(services, connections, undefined)
      const listener = await TcpListener.open(listen.host, listen.port, socket => connections.serveSocket(socket))
      advertised.port = listener.address.port
      return new BrokerRun(services, connections, listener)
    } catch (error) {
      stopParts(services)
      throw error
    }
  }

  /** Ends all connections and timers. */
  async end(): Promise<void> {
    this.#stopCleanup()
    const listening = this.listener?.close()
    const connections = this.connections.close()
    // Requests that wait for members or records are given up first: their connections end with them.
    stopParts(this.services)
    await connections
    await listening
  }
}

function stopParts({ groups, transactions, topics }: BrokerServices): void {
  transactions.close()
  groups.close()
  topics.close()
}

/** What goes wrong in a timer is a defect, which must not end the process that the broker lives in. */
function guarded(clock: Clock, logger: Logger): Clock {
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    setTimer: (delayMs, callback) =>
      clock.setTimer(delayMs, () => {
        try {
          callback()
        } catch (error) {
          logger.error('Something that was due could not be done.', { error })
        }
      })
  }
}

/** Drawn once in the life of the data. */
function clusterIdOf(storage: BrokerStorage, random: Random): string {
  const journal = storage.journal('cluster')
  for (const { clusterId } of journal.replay()) if (typeof clusterId === 'string') return clusterId
  const clusterId = randomUuid(random)
  journal.append({ clusterId })
  return clusterId
}

/**
 * What goes wrong with one topic (batches that cannot be decompressed, a disk that is full) keeps no other from its
 * turn.
 */
function cleanUpRegularly({ clock, config, logger, topics }: BrokerServices): () => void {
  let cancel: () => void
  const arm = (): void => {
    cancel = clock.setTimer(config.logCleanupIntervalMs, () => {
      for (const topic of topics.all()) {
        try {
          topics.cleanUp(topic)
        } catch (error) {
          logger.error('A topic could not be cleaned up.', { topic: topic.name, error })
        }
      }
      arm()
    })
  }
  arm()
  return () => cancel()
}
