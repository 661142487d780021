import { requireCompression } from '@millrace/protocol'
import {
  checkOptions,
  choiceOption,
  contradiction,
  integerOption,
  invalidOption,
  MAX_INT,
  StreamsError,
  textOption
} from '@millrace/streams/core'
import type { Compression, ProducerOptions } from '@millrace/streams/ports'
import { CLIENT_DEFAULTS } from '../client-defaults.ts'

/** The port's options, and those that only this client has. */
export interface ClientProducerOptions extends ProducerOptions {
  /** First and longest wait before a batch is sent again. Defaults 100 and 1,000. */
  readonly retryBackoffMs?: number
  readonly retryBackoffMaxMs?: number
  /** How long a broker may wait for its replicas. Default 30,000. */
  readonly requestTimeoutMs?: number | undefined
  /** 1 keeps to the older protocol of transactions although the brokers speak the newer one (KIP-890). Default 2. */
  readonly maxTransactionsVersion?: 1 | 2
}

export interface ResolvedProducerOptions {
  readonly transactionalId: string | undefined
  readonly transactionTimeoutMs: number
  readonly batchBytes: number
  readonly maxRequestBytes: number
  readonly compression: Compression
  readonly compressionByTopic: Readonly<Record<string, Compression>>
  readonly bufferBytes: number
  readonly deliveryTimeoutMs: number
  readonly onRejected: ProducerOptions['onRejected']
  readonly onDelivered: ProducerOptions['onDelivered']
  readonly lingerMs: number
  readonly maxBlockMs: number
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
  readonly requestTimeoutMs: number
  readonly maxTransactionsVersion: 1 | 2
}

const NAMES: Readonly<Record<keyof ClientProducerOptions, true>> = {
  transactionalId: true,
  transactionTimeoutMs: true,
  batchBytes: true,
  maxRequestBytes: true,
  compression: true,
  compressionByTopic: true,
  lingerMs: true,
  maxBlockMs: true,
  bufferBytes: true,
  deliveryTimeoutMs: true,
  onRejected: true,
  onDelivered: true,
  retryBackoffMs: true,
  retryBackoffMaxMs: true,
  requestTimeoutMs: true,
  maxTransactionsVersion: true
}
const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION` */
export function resolveProducerOptions(options: ClientProducerOptions): ResolvedProducerOptions {
  checkOptions('createProducer()', options, Object.keys(NAMES))
  const above = (name: keyof ClientProducerOptions, otherwise: number, min = 1, max?: number): number =>
    integerOption(options, name, { min, ...(max === undefined ? {} : { max }) }) ?? otherwise
  const lingerMs = above('lingerMs', CLIENT_DEFAULTS.lingerMs, 0)
  const requestTimeoutMs = above('requestTimeoutMs', CLIENT_DEFAULTS.requestTimeoutMs)
  // A record is not given up before one request for it could be answered.
  const leastMs = Math.min(lingerMs + requestTimeoutMs, MAX_INT)
  const resolved = {
    transactionalId: textOption(options, 'transactionalId'),
    transactionTimeoutMs: above('transactionTimeoutMs', 10_000),
    batchBytes: above('batchBytes', 256 * 1024),
    maxRequestBytes: above('maxRequestBytes', 1024 * 1024),
    compression: compressionOption(options, 'compression') ?? 'none',
    compressionByTopic: compressions(options),
    bufferBytes: above('bufferBytes', 32 * 1024 * 1024, 1, Number.MAX_SAFE_INTEGER),
    deliveryTimeoutMs: above('deliveryTimeoutMs', Math.max(CLIENT_DEFAULTS.deliveryTimeoutMs, leastMs)),
    onRejected: functionOption(options, 'onRejected'),
    onDelivered: functionOption(options, 'onDelivered'),
    lingerMs,
    maxBlockMs: above('maxBlockMs', 60_000),
    retryBackoffMs: above('retryBackoffMs', CLIENT_DEFAULTS.retryBackoffMs),
    retryBackoffMaxMs: above('retryBackoffMaxMs', CLIENT_DEFAULTS.retryBackoffMaxMs),
    requestTimeoutMs,
    maxTransactionsVersion: integerOption(options, 'maxTransactionsVersion', { min: 1, max: 2 }) === 1 ? 1 : 2
  } as const
  checkTogether(options, resolved, leastMs)
  return resolved
}

function compressions(options: ClientProducerOptions): Readonly<Record<string, Compression>> {
  const { compressionByTopic: byTopic = {} } = options
  if (typeof byTopic !== 'object' || byTopic === null || Array.isArray(byTopic)) {
    throw invalidOption('compressionByTopic', byTopic, "an object such as { 'clicks': 'lz4' }")
  }
  for (const topic of Object.keys(byTopic)) compressionOption(byTopic, topic, 'compressionByTopic.')
  return byTopic
}

function compressionOption(options: object, name: string, where = ''): Compression | undefined {
  const compression = choiceOption(options, name, COMPRESSIONS, where)
  try {
    if (compression !== undefined) requireCompression(compression)
  } catch (cause) {
    const why = (cause as Error).message
    throw new StreamsError('CONFIG_INVALID', `The option '${where}${name}' cannot be '${compression}' here: ${why}`, {
      cause,
      details: { option: where + name, value: compression }
    })
  }
  return compression
}

function functionOption<N extends 'onRejected' | 'onDelivered'>(
  options: ClientProducerOptions,
  name: N
): ClientProducerOptions[N] {
  const value = options[name]
  if (value === undefined || typeof value === 'function') return value
  throw invalidOption(name, value, 'a function')
}

/** Values that can each be, and not together. */
function checkTogether(given: ClientProducerOptions, resolved: ResolvedProducerOptions, leastMs: number): void {
  const { maxRequestBytes, lingerMs, requestTimeoutMs, deliveryTimeoutMs, retryBackoffMs, retryBackoffMaxMs } = resolved
  const { batchBytes } = given
  if (batchBytes !== undefined && batchBytes > maxRequestBytes) {
    throw contradiction(
      `batchBytes is ${batchBytes}, but a request holds maxRequestBytes, ${maxRequestBytes}. Lower the first, or raise the second.`,
      { batchBytes, maxRequestBytes }
    )
  }
  if (retryBackoffMs > retryBackoffMaxMs) {
    throw contradiction(
      `retryBackoffMs is ${retryBackoffMs}, but the longest wait, retryBackoffMaxMs, is ${retryBackoffMaxMs}. Raise the second, or lower the first.`,
      { retryBackoffMs, retryBackoffMaxMs }
    )
  }
  if (deliveryTimeoutMs < leastMs) {
    throw contradiction(
      `deliveryTimeoutMs is ${deliveryTimeoutMs}, but one attempt alone may take lingerMs, ${lingerMs}, and the client's requestTimeoutMs, ` +
        `${requestTimeoutMs}. Raise the first, or lower the others.`,
      { deliveryTimeoutMs, lingerMs, requestTimeoutMs }
    )
  }
}
