import { EmbeddedBroker } from '@millrace/broker'

export interface Broker {
  readonly brokers: readonly string[]
  /** Whether it was started for this run, and goes with it. */
  readonly ours: boolean
  stop(): Promise<void>
}

/** The Kafka that is named, or else an embedded broker in this process, on a free port. */
export async function useBroker(named: readonly string[] | undefined): Promise<Broker> {
  if (named !== undefined) return { brokers: named, ours: false, stop: () => Promise.resolve() }
  const broker = await EmbeddedBroker.start({ port: 0 })
  return { brokers: [broker.bootstrap], ours: true, stop: () => broker.close() }
}
