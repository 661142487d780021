import { StreamsError } from '@millrace/streams/core'
import type { StreamsConfig } from '@millrace/streams/runtime'
import type { KafkajsTransportOptions } from '@millrace/transport-kafkajs'
import type { MillraceOptions } from './millrace.ts'

/** Takes the options of the facade apart: those of the runtime, and those of what the facade wires to it. */
export function splitOptions(options: MillraceOptions) {
  const { brokers, kafka, stateDir, logger, handleSignals, restoreListener, ...config } = options
  if (brokers !== undefined && kafka?.brokers !== undefined) {
    throw new StreamsError('CONFIG_INVALID', "Both 'brokers' and 'kafka.brokers' are given. Give one of them.")
  }
  const transport = { ...kafka, brokers: brokers === undefined ? kafka?.brokers : [...brokers] }
  if (transport.brokers === undefined || transport.brokers.length === 0) {
    throw new StreamsError(
      'CONFIG_INVALID',
      "No broker is given. Name at least one as brokers: ['host:9092'], or pass kafkajs's options as kafka."
    )
  }
  return {
    config: config satisfies StreamsConfig,
    kafka: transport as KafkajsTransportOptions,
    stateDir,
    logger,
    handleSignals: handleSignals ?? true,
    restoreListener
  }
}
