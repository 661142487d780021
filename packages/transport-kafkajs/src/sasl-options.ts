import { checkOptions, StreamsError } from '@millrace/streams/core'
import type { KafkaConfig } from 'kafkajs'

export type SaslOptions = NonNullable<KafkaConfig['sasl']>

/** By mechanism: the options beside it, each of which is needed. */
const MECHANISMS: Readonly<Record<string, Readonly<Record<string, 'string' | 'function'>>>> = {
  plain: { username: 'string', password: 'string' },
  'scram-sha-256': { username: 'string', password: 'string' },
  'scram-sha-512': { username: 'string', password: 'string' },
  oauthbearer: { oauthBearerProvider: 'function' },
  aws: { authorizationIdentity: 'string', accessKeyId: 'string', secretAccessKey: 'string' }
}
const OPTIONAL: Readonly<Record<string, readonly string[]>> = { aws: ['sessionToken'] }

/**
 * Refuses what no broker could make sense of, before anything is sent. Values are secrets: no message holds one.
 *
 * @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION`
 */
export function checkSaslOptions(sasl: SaslOptions): void {
  const given: unknown = sasl
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new StreamsError('CONFIG_INVALID', "'sasl' must be an object with a 'mechanism'.")
  }
  const { mechanism, ...options } = given as { readonly mechanism?: unknown; readonly [option: string]: unknown }
  if (typeof mechanism !== 'string' || mechanism === '') {
    throw new StreamsError('CONFIG_INVALID', `'sasl.mechanism' is missing. It is ${choices()}.`)
  }
  if ('authenticationProvider' in options) return
  const needed = MECHANISMS[mechanism.toLowerCase()]
  if (needed === undefined) {
    throw new StreamsError(
      'CONFIG_INVALID',
      `'sasl.mechanism' is '${mechanism}'. It must be ${choices()}, or come with an 'authenticationProvider'.`,
      { details: { mechanism } }
    )
  }
  const optional = OPTIONAL[mechanism.toLowerCase()] ?? []
  checkOptions('kafka.sasl', options, [...Object.keys(needed), ...optional])
  for (const [option, type] of Object.entries(needed)) {
    const value = options[option]
    if (typeof value === type && value !== '') continue
    const what = value === undefined || value === null ? 'is missing' : `is not a ${type}, or empty`
    throw new StreamsError(
      'CONFIG_INVALID',
      `'sasl.${option}', which mechanism '${mechanism}' needs, ${what}. It must be a ${type}.`,
      { details: { mechanism, option } }
    )
  }
}

function choices(): string {
  return Object.keys(MECHANISMS)
    .map(name => `'${name}'`)
    .join(', ')
}
