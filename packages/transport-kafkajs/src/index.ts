export { type KafkajsTransportOptions, kafkajsTransport } from './kafkajs-transport.ts'
