import { DEFAULT_RETRY_BACKOFF } from './backoff.ts'

/** What holds where an option is not given; for whoever has to judge options together before a client is made of them. */
export const CLIENT_DEFAULTS = {
  requestTimeoutMs: 30_000,
  retryBackoffMs: DEFAULT_RETRY_BACKOFF.firstMs,
  retryBackoffMaxMs: DEFAULT_RETRY_BACKOFF.maxMs,
  reconnectBackoffMs: 50,
  maxReconnectBackoffMs: 1_000,
  metadataMaxAgeMs: 300_000,
  lingerMs: 5,
  deliveryTimeoutMs: 120_000
} as const
