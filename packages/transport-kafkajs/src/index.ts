export { checkKafkajsOptions, KAFKAJS_OPTIONS } from './check-kafkajs-options.ts'
export { type KafkajsTransportOptions, kafkajsTransport } from './kafkajs-transport.ts'
