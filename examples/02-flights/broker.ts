export interface Broker {
  readonly brokers: readonly string[]
  /** Whether it was started for this run, and goes with it. */
  readonly ours: boolean
  stop(): Promise<void>
}

/** The Kafka that is named, or else a real Apache Kafka of our own on a free port. */
export async function useBroker(named: readonly string[] | undefined): Promise<Broker> {
  if (named !== undefined) return { brokers: named, ours: false, stop: () => Promise.resolve() }
  const { startKafka } = await import('../../scripts/kafka-broker.ts')
  const kafka = await startKafka()
  return { brokers: [kafka.brokers], ours: true, stop: () => kafka.stop() }
}
