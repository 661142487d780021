import { createKafkaClient } from '@millrace/client'
import { checkOptions } from '@millrace/streams/core'
import type { KafkaClient, Logger } from '@millrace/streams/ports'
import { systemClock, systemRandom } from '@millrace/streams/runtime'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { consoleLogger } from './console-logger.ts'
import { connectionOptions } from './millrace-options.ts'
import type { MillraceOptions } from './millrace.ts'

/** Where Kafka is, and how it is reached: as in the options of an application. */
export type KafkaClientOptions = Pick<MillraceOptions, 'brokers' | 'kafka' | 'logger'>

/**
 * A connection to Kafka without an application, for what only reads or writes topics. It connects with its first use.
 *
 * @returns The client. Close producers made by it, then it; that closes its fetchers.
 * @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION`
 */
export function kafkaClient(options: KafkaClientOptions): KafkaClient {
  checkOptions('kafkaClient()', options ?? null, ['brokers', 'kafka', 'logger'])
  const logger: Logger = options.logger ?? consoleLogger
  const transport = kafkajsTransport(connectionOptions(options.brokers, options.kafka))
  return createKafkaClient({ transport, clock: systemClock, random: systemRandom, logger })
}
