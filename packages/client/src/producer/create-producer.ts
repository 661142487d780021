import type { RecordProducer } from '@millrace/streams/ports'
import { KafkaProducer, type ProducerParts } from './kafka-producer.ts'
import { type ClientProducerOptions, resolveProducerOptions } from './producer-options.ts'

/**
 * Makes a producer and gets its producer id; with a transactional id this fences every earlier producer of that id and ends what
 * it had open.
 *
 * @throws StreamsError `CONFIG_INVALID`, `CLIENT_REQUEST_TIMED_OUT`, `CLIENT_AUTHORIZATION_FAILED`, `CLIENT_UNSUPPORTED_VERSION`
 */
export async function createProducer(
  parts: ProducerParts & { readonly options: ClientProducerOptions }
): Promise<RecordProducer> {
  const producer = new KafkaProducer(parts, resolveProducerOptions(parts.options))
  try {
    await producer.initialise()
  } catch (error) {
    await producer.close({ timeoutMs: 0 })
    throw error
  }
  return producer
}
