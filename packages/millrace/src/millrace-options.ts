import { CLIENT_DEFAULTS } from '@millrace/client'
import {
  checkMethods,
  checkOptions,
  contradiction,
  integerOption,
  invalidOption,
  MAX_INT,
  StreamsError,
  textOption
} from '@millrace/streams/core'
import { resolveConfig, STREAMS_OPTIONS, type StreamsConfig } from '@millrace/streams/runtime'
import { checkKafkajsOptions, type KafkajsTransportOptions } from '@millrace/transport-kafkajs'
import type { ConnectionOptions } from './connection-options.ts'
import type { MillraceOptions } from './millrace.ts'
import { CONNECTION_OPTIONS, MILLRACE_OPTIONS } from './option-names.ts'

const LISTENER_METHODS = ['onRestoreStart', 'onBatchRestored', 'onRestoreEnd'] as const
const LOGGER_METHODS = ['debug', 'info', 'warn', 'error'] as const

/**
 * Takes the options of the facade apart: those of the runtime, and those of what the facade wires to it.
 *
 * @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION`
 */
export function splitOptions(options: MillraceOptions) {
  checkOptions('the application', options ?? null, MILLRACE_OPTIONS)
  const { stateDir, handleSignals, restoreListener } = options
  const config: StreamsConfig = pick(options, STREAMS_OPTIONS)
  // Before anything is made of them: the application's id names a directory.
  const { metadataMaxAgeMs } = resolveConfig(config)
  if (stateDir !== undefined && (typeof stateDir !== 'string' || stateDir === '')) {
    throw invalidOption('stateDir', stateDir, 'the path of a directory')
  }
  if (handleSignals !== undefined && typeof handleSignals !== 'boolean') {
    throw invalidOption('handleSignals', handleSignals, 'true or false')
  }
  if (restoreListener !== undefined) {
    checkOptions('restoreListener', restoreListener, LISTENER_METHODS)
    for (const [name, method] of Object.entries(restoreListener)) {
      if (typeof method !== 'function') throw invalidOption(`restoreListener.${name}`, method, 'a function')
    }
  }
  const checked = connectionOptions(pick(options, CONNECTION_OPTIONS))
  const timeoutMs = checked.requestTimeoutMs ?? checked.kafka.requestTimeout ?? CLIENT_DEFAULTS.requestTimeoutMs
  return {
    config: withDeliveryTimeout(config, timeoutMs),
    connection: { ...checked, metadataMaxAgeMs },
    stateDir,
    logger: checked.logger,
    handleSignals: handleSignals ?? true,
    restoreListener
  }
}

/**
 * The options of a connection, with `brokers` among those of kafkajs.
 *
 * @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION`
 */
export function connectionOptions({ brokers, kafka, ...options }: ConnectionOptions) {
  const kafkajs = withBrokers(brokers, kafka)
  for (const name of ['requestTimeoutMs', 'retryBackoffMs', 'retryBackoffMaxMs', 'connectionsMaxIdleMs'] as const) {
    integerOption(options, name, { min: 1 })
  }
  textOption(options, 'clientRack')
  const { logger, requestTimeoutMs } = options
  if (logger !== undefined) checkMethods('logger', logger, LOGGER_METHODS)
  if (requestTimeoutMs !== undefined && kafkajs.requestTimeout !== undefined) {
    const values = { requestTimeoutMs, 'kafka.requestTimeout': kafkajs.requestTimeout }
    throw contradiction("Both 'requestTimeoutMs' and 'kafka.requestTimeout' are given. Give one of them.", values)
  }
  const { retryBackoffMs, retryBackoffMaxMs = CLIENT_DEFAULTS.retryBackoffMaxMs } = options
  if ((retryBackoffMs ?? CLIENT_DEFAULTS.retryBackoffMs) > retryBackoffMaxMs) {
    throw contradiction(
      `retryBackoffMs is ${retryBackoffMs ?? CLIENT_DEFAULTS.retryBackoffMs}, but the longest wait, retryBackoffMaxMs, is ${retryBackoffMaxMs}. Raise the second, or lower the first.`,
      { retryBackoffMs, retryBackoffMaxMs }
    )
  }
  return { kafka: kafkajs, ...options }
}

function withBrokers(
  brokers: ConnectionOptions['brokers'],
  kafka: ConnectionOptions['kafka'] = {} as KafkajsTransportOptions
): KafkajsTransportOptions {
  checkKafkajsOptions(kafka)
  if (brokers === undefined) {
    // kafkajs takes a function, too.
    const given: unknown = kafka.brokers
    if (typeof given === 'function' || (Array.isArray(given) && given.length > 0)) return kafka
  } else {
    if (kafka.brokers !== undefined) {
      throw new StreamsError('CONFIG_INVALID', "Both 'brokers' and 'kafka.brokers' are given. Give one of them.")
    }
    if (!Array.isArray(brokers)) throw invalidOption('brokers', brokers, `a list, such as ['${String(brokers)}']`)
    if (brokers.length > 0) return { ...kafka, brokers: [...brokers] }
  }
  throw new StreamsError(
    'CONFIG_INVALID',
    "No broker is given. Name at least one as brokers: ['host:9092'], or pass kafkajs's options as kafka."
  )
}

function pick<T extends object, N extends keyof T>(options: T, names: readonly N[]): Pick<T, N> {
  return Object.fromEntries(names.filter(name => name in options).map(name => [name, options[name]])) as Pick<T, N>
}

/** A record is not given up before one request for it could be answered. */
function withDeliveryTimeout(config: StreamsConfig, requestTimeoutMs: number): StreamsConfig {
  const { lingerMs = CLIENT_DEFAULTS.lingerMs, deliveryTimeoutMs } = config.producer ?? {}
  const leastMs = Math.min(lingerMs + requestTimeoutMs, MAX_INT)
  if (deliveryTimeoutMs === undefined) {
    if (leastMs <= CLIENT_DEFAULTS.deliveryTimeoutMs) return config
    return { ...config, producer: { ...config.producer, deliveryTimeoutMs: leastMs } }
  }
  if (deliveryTimeoutMs >= leastMs) return config
  throw contradiction(
    `producer.deliveryTimeoutMs is ${deliveryTimeoutMs}, but one attempt alone may take producer.lingerMs, ${lingerMs}, and requestTimeoutMs, ` +
      `${requestTimeoutMs}. Raise the first, or lower the others.`,
    { deliveryTimeoutMs, lingerMs, requestTimeoutMs }
  )
}
