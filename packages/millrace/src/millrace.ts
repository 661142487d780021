import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LevelStoreProvider } from '@millrace/store-level'
import type { Logger } from '@millrace/streams/ports'
import {
  type RestoreListener,
  StreamsApp,
  type StreamsConfig,
  systemClock,
  systemEventLoop
} from '@millrace/streams/runtime'
import type { Topology } from '@millrace/streams/topology'
import type { ConnectionOptions } from './connection-options.ts'
import { consoleLogger } from './console-logger.ts'
import { kafkaClient } from './kafka-client.ts'
import { splitOptions } from './millrace-options.ts'

/** How an application runs, and where. */
export interface MillraceOptions extends StreamsConfig, ConnectionOptions {
  /**
   * Where state is kept, in a folder named after the application; processes of one machine share it. Name a lasting one in
   * production, or every restart of the machine restores all state from the changelogs.
   *
   * @default `millrace` in the temporary directory of the machine
   * @see Kafka Streams `state.dir`
   */
  readonly stateDir?: string
  /**
   * Close on SIGTERM and SIGINT. A second signal ends the process at once.
   *
   * @default `true`
   */
  readonly handleSignals?: boolean
  /**
   * Progress of restoring: `onRestoreStart`, `onBatchRestored`, `onRestoreEnd`.
   *
   * @default none
   * @see Kafka Streams `KafkaStreams#setGlobalStateRestoreListener`
   */
  readonly restoreListener?: RestoreListener
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/**
 * One instance of a stream-processing application: a member of the consumer group `applicationId` with its share of the
 * tasks. Run more processes to scale.
 *
 * @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION`
 */
export class Millrace extends StreamsApp {
  constructor(topology: Topology, options: MillraceOptions) {
    const { config, connection, stateDir, logger, handleSignals, restoreListener } = splitOptions(options)
    const log = logger ?? consoleLogger
    super(topology, config, {
      client: kafkaClient({
        ...connection,
        kafka: { clientId: config.applicationId, ...connection.kafka },
        logger: log
      }),
      stores: new LevelStoreProvider({
        stateDir: stateDir ?? join(tmpdir(), 'millrace'),
        applicationId: config.applicationId
      }),
      clock: systemClock,
      eventLoop: systemEventLoop,
      logger: log,
      restoreListener
    })
    if (handleSignals) this.#closeOnSignals(log)
  }

  #closeOnSignals(logger: Logger): void {
    const onSignal = (signal: NodeJS.Signals) => {
      stop()
      logger.info(`${signal}: closing`)
      this.close().catch((error: unknown) => {
        logger.error(String(error))
        process.exitCode = 1
      })
    }
    // Removed with the first signal: a second one then has its ordinary effect.
    const stop = () => {
      for (const signal of SIGNALS) process.off(signal, onSignal)
    }
    this.onStateChange((now, before) => {
      if (before === 'CREATED' && now === 'REBALANCING') for (const signal of SIGNALS) process.on(signal, onSignal)
      if (now === 'NOT_RUNNING' || now === 'ERROR') stop()
    })
  }
}
