export { type RawStoreContractOptions, rawStoreContract } from './raw-store-contract.ts'
export { type ReceivedRequest, ScriptedBroker } from './scripted-broker.ts'
export { type TransportContractOptions, transportContract } from './transport-contract.ts'
