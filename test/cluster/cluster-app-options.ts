import type { StreamsConfig } from '@millrace/streams/runtime'
import type { KafkajsTransportOptions } from '@millrace/transport-kafkajs'
import type { BusiestSecond } from './traffic.ts'

/** What a worker of the cluster test is told, as JSON. */
export interface ClusterAppOptions {
  readonly topics: { readonly input: string; readonly counts: string; readonly windows: string }
  readonly windowMs: number
  readonly stateDir: string
  readonly kafka: KafkajsTransportOptions
  readonly config: StreamsConfig
}

/** The nth update of a key, and which worker made it. */
export interface ClusterCount {
  readonly count: number
  readonly slot: number
}

/** What a worker tells. */
export interface ClusterReport {
  readonly state?: string
  readonly busiestSecond?: BusiestSecond
}
