import { createKafkaClient } from '@millrace/client'
import { checkOptions, integerOption } from '@millrace/streams/core'
import type { KafkaClient } from '@millrace/streams/ports'
import { systemClock, systemEventLoop, systemRandom } from '@millrace/streams/runtime'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import type { ConnectionOptions } from './connection-options.ts'
import { consoleLogger } from './console-logger.ts'
import { connectionOptions } from './millrace-options.ts'
import { CONNECTION_OPTIONS } from './option-names.ts'

/** Where Kafka is, and how it is reached: as in the options of an application. */
export interface KafkaClientOptions extends ConnectionOptions {
  /**
   * Age at which what is known of topics and their leaders is read anew, when it is used, and for topics that were written to in the
   * last five minutes.
   *
   * @range 1 to 2,147,483,647
   * @default 300,000
   * @see Kafka `metadata.max.age.ms`
   */
  readonly metadataMaxAgeMs?: number
}

/**
 * A connection to Kafka without an application, for what only reads or writes topics. It connects with its first use. The process
 * does not end while a promise of the client, or of what it made, is pending.
 *
 * @returns The client. Close producers made by it, then it; that closes its fetchers.
 * @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION`
 */
export function kafkaClient(options: KafkaClientOptions): KafkaClient {
  checkOptions('kafkaClient()', options ?? null, [...CONNECTION_OPTIONS, 'metadataMaxAgeMs'])
  const { metadataMaxAgeMs, ...connection } = options
  integerOption(options, 'metadataMaxAgeMs', { min: 1 })
  const { kafka, logger, ...timing } = connectionOptions(connection)
  return createKafkaClient({
    ...timing,
    metadataMaxAgeMs,
    transport: kafkajsTransport(kafka),
    clock: systemClock,
    random: systemRandom,
    eventLoop: systemEventLoop,
    logger: logger ?? consoleLogger
  })
}
