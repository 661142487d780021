import type { Clock, Logger, Random } from '@millrace/streams/ports'
import type { BrokerConfig } from './broker-config.ts'
import type { GroupCoordinator } from './groups/group-coordinator.ts'
import type { Topics } from './topics/topics.ts'
import type { TransactionCoordinator } from './transactions/transaction-coordinator.ts'

/** One kind of request as ApiVersions tells of it. */
export interface ServedApi {
  readonly apiKey: number
  readonly minVersion: number
  readonly maxVersion: number
}

/** What handlers share: all state of the broker has one owner in here. */
export interface BrokerServices {
  readonly clusterId: string
  readonly nodeId: number
  /** Where clients are told to connect to. */
  readonly advertised: { readonly host: string; readonly port: number }
  readonly config: BrokerConfig
  readonly servedApis: readonly ServedApi[]
  readonly topics: Topics
  readonly groups: GroupCoordinator
  readonly transactions: TransactionCoordinator
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}
