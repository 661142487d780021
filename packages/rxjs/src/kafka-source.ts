import type { KafkaClient } from '@millrace/streams/ports'

/** An application, whose connection is used as long as it is not closed; or a connection of one's own, by `kafkaClient`. */
export type KafkaSource = KafkaClient | { readonly kafka: KafkaClient }

export function clientOf(kafka: KafkaSource): KafkaClient {
  return 'kafka' in kafka ? kafka.kafka : kafka
}
