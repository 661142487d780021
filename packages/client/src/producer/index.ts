export { createProducer } from './create-producer.ts'
