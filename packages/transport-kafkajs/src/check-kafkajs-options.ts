import { CLIENT_DEFAULTS } from '@millrace/client'
import { checkOptions, contradiction, integerOption, invalidOption, StreamsError } from '@millrace/streams/core'
import { LEVELS } from './kafkajs-internals.ts'
import type { KafkajsTransportOptions } from './kafkajs-transport.ts'

/** What is taken of kafkajs's `new Kafka()`; itself it would ignore a misspelt one. */
export const KAFKAJS_OPTIONS = [
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

const TIMES = ['connectionTimeout', 'authenticationTimeout', 'reauthenticationThreshold', 'requestTimeout'] as const
const RETRY_OPTIONS = ['initialRetryTime', 'maxRetryTime'] as const
const FUNCTIONS = ['socketFactory', 'logCreator'] as const
/** Of kafkajs's retries: requests are tried again by Millrace, by options of its own. */
const UNUSED_RETRY_OPTIONS = ['retries', 'factor', 'multiplier', 'restartOnFailure']

/**
 * All but `brokers`, `ssl` and `sasl`, which the transport checks when it is made.
 *
 * @param where - what the options were given to; in errors.
 * @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION`
 */
export function checkKafkajsOptions(kafka: Partial<KafkajsTransportOptions>, where = 'kafka'): void {
  checkOptions(where, kafka, KAFKAJS_OPTIONS)
  for (const name of TIMES) integerOption(kafka, name, { min: 1 }, `${where}.`)
  for (const name of FUNCTIONS) {
    const value: unknown = kafka[name]
    if (value !== undefined && typeof value !== 'function') throw invalidOption(`${where}.${name}`, value, 'a function')
  }
  const { clientId, enforceRequestTimeout, logLevel, retry } = kafka as Record<string, unknown>
  if (clientId !== undefined && (typeof clientId !== 'string' || clientId === '')) {
    throw invalidOption(`${where}.clientId`, clientId, 'a text that is not empty')
  }
  if (enforceRequestTimeout !== undefined && typeof enforceRequestTimeout !== 'boolean') {
    throw invalidOption(`${where}.enforceRequestTimeout`, enforceRequestTimeout, 'true or false')
  }
  if (logLevel !== undefined && !Object.values<unknown>(LEVELS).includes(logLevel)) {
    throw invalidOption(
      `${where}.logLevel`,
      logLevel,
      `one of kafkajs's logLevel, a number: ${Object.values(LEVELS).join(', ')}`
    )
  }
  if (retry !== undefined) checkRetry(retry as object, `${where}.retry`)
}

function checkRetry(retry: object, where: string): void {
  const unused = Object.keys(retry ?? {}).find(name => UNUSED_RETRY_OPTIONS.includes(name))
  if (unused !== undefined) {
    throw new StreamsError(
      'CONFIG_UNKNOWN_OPTION',
      `${where} has no effect with '${unused}': attempts to reach a broker go on until the client is closed, and requests are tried again ` +
        "by 'retryBackoffMs', 'retryBackoffMaxMs' and 'producer.deliveryTimeoutMs'. Remove it.",
      { details: { where, option: unused } }
    )
  }
  checkOptions(where, retry, RETRY_OPTIONS)
  const timeOf = (name: (typeof RETRY_OPTIONS)[number]): number | undefined =>
    integerOption(retry, name, { min: 1 }, `${where}.`)
  const firstMs = timeOf('initialRetryTime') ?? CLIENT_DEFAULTS.reconnectBackoffMs
  const longestMs = timeOf('maxRetryTime') ?? CLIENT_DEFAULTS.maxReconnectBackoffMs
  if (firstMs <= longestMs) return
  throw contradiction(
    `${where}.initialRetryTime is ${firstMs}, but the longest wait, ${where}.maxRetryTime, is ${longestMs}. Raise the second, or lower the first.`,
    { initialRetryTime: firstMs, maxRetryTime: longestMs }
  )
}
