export { createProducer } from './create-producer.ts'
export type { ProducerParts } from './kafka-producer.ts'
export type { ClientProducerOptions } from './producer-options.ts'
