import { isStreamsError, StreamsError } from '@millrace/streams/core'

/** What Node calls a broker's certificate that it does not accept, besides the codes that begin with `CERT_`. */
const NOT_TRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
])
/** Alerts by which a broker refuses ours, or its absence. OpenSSL's names begin with the version of TLS. */
const REFUSED_OURS =
  /^ERR_SSL_.*ALERT_(NO_CERTIFICATE|(BAD|UNSUPPORTED)_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED)$/

/**
 * A connection that could not be opened.
 *
 * @returns StreamsError `CLIENT_AUTHENTICATION_FAILED` where one side does not accept the other's certificate, else
 *   `CLIENT_CONNECT_FAILED`
 */
export function connectError(host: string, port: number, tls: boolean, cause: unknown): StreamsError {
  if (isStreamsError(cause)) return cause
  const broker = `${host}:${port}`
  const certificate = certificateError(broker, cause)
  if (certificate !== undefined) return certificate
  const hint = tls && isNoTls(cause) ? ' (does its listener speak TLS?)' : ''
  return new StreamsError('CLIENT_CONNECT_FAILED', `Broker ${broker} cannot be reached: ${reasonOf(cause)}${hint}`, {
    cause,
    details: { host, port }
  })
}

/** `CLIENT_AUTHENTICATION_FAILED` where a connection failed for a certificate, the broker's or ours: trying again is no help. */
export function certificateError(broker: string, cause: unknown): StreamsError | undefined {
  const code = codeOf(cause)
  if (code === undefined) return undefined
  const details = { broker, tlsError: code }
  if (REFUSED_OURS.test(code)) {
    return new StreamsError(
      'CLIENT_AUTHENTICATION_FAILED',
      `Broker ${broker} does not accept this client's certificate, or wants one and got none (${code}). ` +
        "Give a certificate and its key as 'ssl.cert' and 'ssl.key', signed by an authority that the broker trusts.",
      { cause, details }
    )
  }
  if (!NOT_TRUSTED.has(code) && !code.startsWith('CERT_')) return undefined
  return new StreamsError(
    'CLIENT_AUTHENTICATION_FAILED',
    `The certificate of broker ${broker} is not accepted: ${reasonOf(cause)}. ${adviceFor(code)}`,
    { cause, details }
  )
}

function adviceFor(code: string): string {
  switch (code) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
    case 'HOSTNAME_MISMATCH':
      return "Use a host of the certificate in 'brokers' and in the broker's advertised.listeners, or issue it for this one."
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return "Renew the broker's certificate, or mend the clock of this machine."
    default:
      return "Give the certificate of the authority that signed it as 'ssl.ca'."
  }
}

function isNoTls(cause: unknown): boolean {
  const code = codeOf(cause)
  return code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER' || /before secure TLS/.test(String(cause))
}

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined
}

/** What an error of kafkajs or Node says, without a full stop. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const code = codeOf(cause)
  // Node reports a name with several addresses as an AggregateError without text: then the code is all there is.
  const text = cause.message
    .replace(/^Connection error: /, '')
    .trim()
    .replace(/\.$/, '')
  if (text === '') return code ?? cause.name
  return code === undefined || text.includes(code) ? text : `${text} (${code})`
}
