import { checkOptions, StreamsError } from '@millrace/streams/core'
import { resolveConfig, STREAMS_OPTIONS, type StreamsConfig } from '@millrace/streams/runtime'
import type { KafkajsTransportOptions } from '@millrace/transport-kafkajs'
import type { MillraceOptions } from './millrace.ts'

const WIRING_OPTIONS = ['brokers', 'kafka', 'stateDir', 'logger', 'handleSignals', 'restoreListener'] as const
const LISTENER_METHODS = ['onRestoreStart', 'onBatchRestored', 'onRestoreEnd'] as const
const LOGGER_METHODS = ['debug', 'info', 'warn', 'error'] as const
/** What kafkajs's `new Kafka()` takes; itself it would ignore a misspelt one. */
const KAFKA_OPTIONS = [
  'brokers',
  'ssl',
  'sasl',
  'clientId',
  'connectionTimeout',
  'authenticationTimeout',
  'reauthenticationThreshold',
  'requestTimeout',
  'enforceRequestTimeout',
  'retry',
  'socketFactory',
  'logLevel',
  'logCreator'
] as const satisfies readonly (keyof KafkajsTransportOptions)[]

/**
 * Takes the options of the facade apart: those of the runtime, and those of what the facade wires to it.
 *
 * @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION`
 */
export function splitOptions(options: MillraceOptions) {
  checkOptions('the application', options ?? null, [...WIRING_OPTIONS, ...STREAMS_OPTIONS])
  const { brokers, kafka, stateDir, logger, handleSignals, restoreListener, ...config } = options
  // Before anything is made of them: the application's id names a directory.
  resolveConfig(config satisfies StreamsConfig)
  if (stateDir !== undefined && (typeof stateDir !== 'string' || stateDir === '')) {
    throw invalid('stateDir', stateDir, 'the path of a directory')
  }
  if (handleSignals !== undefined && typeof handleSignals !== 'boolean') {
    throw invalid('handleSignals', handleSignals, 'true or false')
  }
  if (logger !== undefined) {
    for (const method of LOGGER_METHODS) {
      if (typeof logger?.[method] === 'function') continue
      throw invalid('logger', logger, `an object with the methods ${LOGGER_METHODS.join(', ')}`)
    }
  }
  if (restoreListener !== undefined) {
    checkOptions('restoreListener', restoreListener, LISTENER_METHODS)
    for (const [name, method] of Object.entries(restoreListener)) {
      if (typeof method !== 'function') throw invalid(`restoreListener.${name}`, method, 'a function')
    }
  }
  return {
    config,
    kafka: connectionOptions(brokers, kafka),
    stateDir,
    logger,
    handleSignals: handleSignals ?? true,
    restoreListener
  }
}

/**
 * What the transport takes of `brokers` and `kafka`.
 *
 * @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION`
 */
export function connectionOptions(
  brokers: MillraceOptions['brokers'],
  kafka: MillraceOptions['kafka'] = {} as KafkajsTransportOptions
): KafkajsTransportOptions {
  checkOptions('kafka', kafka, KAFKA_OPTIONS)
  if (brokers === undefined) {
    // kafkajs takes a function, too.
    const given: unknown = kafka.brokers
    if (typeof given === 'function' || (Array.isArray(given) && given.length > 0)) return kafka
  } else {
    if (kafka.brokers !== undefined) {
      throw new StreamsError('CONFIG_INVALID', "Both 'brokers' and 'kafka.brokers' are given. Give one of them.")
    }
    if (!Array.isArray(brokers)) throw invalid('brokers', brokers, `a list, such as ['${String(brokers)}']`)
    if (brokers.length > 0) return { ...kafka, brokers: [...brokers] }
  }
  throw new StreamsError(
    'CONFIG_INVALID',
    "No broker is given. Name at least one as brokers: ['host:9092'], or pass kafkajs's options as kafka."
  )
}

function invalid(option: string, value: unknown, allowed: string): StreamsError {
  return new StreamsError(
    'CONFIG_INVALID',
    `The option '${option}' is ${JSON.stringify(value)}; it must be ${allowed}.`,
    {
      details: { option, value }
    }
  )
}
