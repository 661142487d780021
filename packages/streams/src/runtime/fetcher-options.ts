import type { FetcherOptions } from '../ports/index.ts'
import type { ResolvedConfig } from './streams-config.ts'

/** How everything that the application reads is fetched. */
export function fetcherOptions({ consumer, inputBufferBytes }: ResolvedConfig): FetcherOptions {
  return {
    isolation: 'read_committed',
    maxBufferedBytes: inputBufferBytes,
    minBytes: consumer.fetchMinBytes,
    maxWaitMs: consumer.fetchMaxWaitMs,
    maxBytes: consumer.fetchMaxBytes,
    partitionMaxBytes: consumer.maxPartitionFetchBytes
  }
}
