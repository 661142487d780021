import { isStreamsError } from '../core/index.ts'
import type { Clock, KafkaClient, Logger } from '../ports/index.ts'

/**
 * Brokers that are started beside an application are there by then. It has to be well below a minute: a process that ran for so long
 * counts as healthy for `millrace run`, which would start it for ever although the address is wrong.
 */
const PATIENCE_MS = 30_000

/** Connects for the first time. That no broker is reached is told at once, and for a while tried again. */
export async function firstConnection(
  client: Pick<KafkaClient, 'connect'>,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  isStopping: () => boolean
): Promise<void> {
  const startMs = clock.monotonicMs()
  try {
    await client.connect()
  } catch (error) {
    const leftMs = startMs + PATIENCE_MS - clock.monotonicMs()
    if (!isStreamsError(error) || error.action !== 'retry' || leftMs <= 0 || isStopping()) throw error
    logger.warn(`not connected yet, which is tried again for ${Math.ceil(leftMs / 1000)} s: ${error.message}`)
    await client.connect({ timeoutMs: leftMs })
  }
}
