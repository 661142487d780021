export { EmbeddedBroker, type EmbeddedBrokerOptions } from './broker.ts'
export type { BrokerConfig } from './broker-config.ts'
export type { Fault, FaultedRequest, FaultRule, InjectedFault, Side } from './faults/fault.ts'
export type { Faults } from './faults/faults.ts'
