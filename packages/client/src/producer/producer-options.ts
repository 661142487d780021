import { StreamsError } from '@millrace/streams/core'
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

export function resolveProducerOptions(options: ClientProducerOptions): ResolvedProducerOptions {
  const resolved = {
    transactionalId: options.transactionalId,
    transactionTimeoutMs: options.transactionTimeoutMs ?? 10_000,
    batchBytes: options.batchBytes ?? 256 * 1024,
    maxRequestBytes: options.maxRequestBytes ?? 1024 * 1024,
    compression: options.compression ?? 'none',
    compressionByTopic: options.compressionByTopic ?? {},
    bufferBytes: options.bufferBytes ?? 32 * 1024 * 1024,
    deliveryTimeoutMs: options.deliveryTimeoutMs ?? CLIENT_DEFAULTS.deliveryTimeoutMs,
    onRejected: options.onRejected,
    onDelivered: options.onDelivered,
    lingerMs: options.lingerMs ?? CLIENT_DEFAULTS.lingerMs,
    maxBlockMs: options.maxBlockMs ?? 60_000,
    retryBackoffMs: options.retryBackoffMs ?? CLIENT_DEFAULTS.retryBackoffMs,
    retryBackoffMaxMs: options.retryBackoffMaxMs ?? CLIENT_DEFAULTS.retryBackoffMaxMs,
    requestTimeoutMs: options.requestTimeoutMs ?? CLIENT_DEFAULTS.requestTimeoutMs,
    maxTransactionsVersion: options.maxTransactionsVersion ?? (2 as const)
  }
  if (resolved.transactionalId === '') {
    throw new StreamsError(
      'CONFIG_INVALID',
      "Producer option 'transactionalId' is empty: give it a name or leave it out"
    )
  }
  for (const name of [
    'transactionTimeoutMs',
    'batchBytes',
    'maxRequestBytes',
    'bufferBytes',
    'deliveryTimeoutMs'
  ] as const) {
    if (resolved[name] > 0) continue
    throw new StreamsError(
      'CONFIG_INVALID',
      `Producer option '${name}' should be above 0, instead got ${resolved[name]}`,
      {
        details: { [name]: resolved[name] }
      }
    )
  }
  return resolved
}
