export { EmbeddedBroker, type EmbeddedBrokerOptions } from './broker.ts'
export type { BrokerConfig } from './broker-config.ts'
