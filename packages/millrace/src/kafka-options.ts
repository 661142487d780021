import { checkOptions, integerOption, invalidOption, StreamsError } from '@millrace/streams/core'
import type { KafkajsTransportOptions } from '@millrace/transport-kafkajs'
import type { KafkaConnectionOptions } from './connection-options.ts'

/** What is taken of kafkajs's `new Kafka()`; itself it would ignore a misspelt one. */
export const KAFKA_OPTIONS = [
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
] as const satisfies readonly (keyof KafkajsTransportOptions & keyof KafkaConnectionOptions)[]

const TIMES = ['connectionTimeout', 'authenticationTimeout', 'reauthenticationThreshold', 'requestTimeout'] as const
const RETRY_OPTIONS = ['initialRetryTime', 'maxRetryTime'] as const
/** Of kafkajs's retries: requests are tried again by Millrace, by options of its own. */
const UNUSED_RETRY_OPTIONS = ['retries', 'factor', 'multiplier', 'restartOnFailure']
const SASL_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  plain: ['username', 'password'],
  'scram-sha-256': ['username', 'password'],
  'scram-sha-512': ['username', 'password'],
  aws: ['authorizationIdentity', 'accessKeyId', 'secretAccessKey', 'sessionToken'],
  oauthbearer: ['oauthBearerProvider']
}
const OPTIONAL_SASL_OPTIONS = ['sessionToken']

/** @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION` */
export function checkKafkaOptions(kafka: Partial<KafkajsTransportOptions>): void {
  checkOptions('kafka', kafka, KAFKA_OPTIONS)
  for (const name of TIMES) integerOption(kafka, name, { min: 1 }, 'kafka.')
  const { ssl, clientId, enforceRequestTimeout, sasl, retry } = kafka as Record<string, unknown>
  if (ssl !== undefined && typeof ssl !== 'boolean' && (typeof ssl !== 'object' || ssl === null)) {
    throw invalidOption('kafka.ssl', ssl, "true, false, or options of Node's tls.connect")
  }
  if (clientId !== undefined && (typeof clientId !== 'string' || clientId === '')) {
    throw invalidOption('kafka.clientId', clientId, 'a text that is not empty')
  }
  if (enforceRequestTimeout !== undefined && typeof enforceRequestTimeout !== 'boolean') {
    throw invalidOption('kafka.enforceRequestTimeout', enforceRequestTimeout, 'true or false')
  }
  if (retry !== undefined) checkRetry(retry as object)
  if (sasl !== undefined) checkSasl(sasl as object)
}

function checkRetry(retry: object): void {
  const unused = Object.keys(retry ?? {}).find(name => UNUSED_RETRY_OPTIONS.includes(name))
  if (unused !== undefined) {
    throw new StreamsError(
      'CONFIG_UNKNOWN_OPTION',
      `kafka.retry has no effect with '${unused}': attempts to reach a broker go on until the client is closed, and requests are tried again ` +
        "by 'retryBackoffMs', 'retryBackoffMaxMs' and 'producer.deliveryTimeoutMs'. Remove it.",
      { details: { where: 'kafka.retry', option: unused } }
    )
  }
  checkOptions('kafka.retry', retry, RETRY_OPTIONS)
  for (const name of RETRY_OPTIONS) integerOption(retry, name, { min: 1 }, 'kafka.retry.')
}

function checkSasl(sasl: object): void {
  const { mechanism, authenticationProvider, ...credentials } = (sasl ?? {}) as Record<string, unknown>
  // Of one's own, by kafkajs's contract.
  if (typeof mechanism === 'string' && typeof authenticationProvider === 'function') return
  const known = typeof mechanism === 'string' ? SASL_OPTIONS[mechanism.toLowerCase()] : undefined
  if (known === undefined) {
    const names = Object.keys(SASL_OPTIONS).map(name => `'${name}'`)
    throw invalidOption('kafka.sasl.mechanism', mechanism, names.join(', '))
  }
  checkOptions('kafka.sasl', credentials, known)
  for (const name of known) {
    const value = credentials[name]
    const isGiven = typeof value === (name === 'oauthBearerProvider' ? 'function' : 'string') && value !== ''
    if (isGiven || (value === undefined && OPTIONAL_SASL_OPTIONS.includes(name))) continue
    // The value stays out of the message: it is a secret.
    throw new StreamsError('CONFIG_INVALID', `kafka.sasl needs '${name}' for the mechanism '${String(mechanism)}'.`, {
      details: { option: `kafka.sasl.${name}` }
    })
  }
}
