import { startEmbeddedBroker } from './embedded-broker.ts'
import { startKafka } from './kafka-broker.ts'
import { javaToolsMissing } from './kafka-jars.ts'
import type { BrokerOptions, RunningBroker } from './running-broker.ts'

/** Set for tests that run on the embedded broker. Otherwise they run on Apache Kafka. */
const ON_EMBEDDED_BROKER = process.env.MILLRACE_TEST_BROKER === 'embedded'

/**
 * For tests with Java's clients: whether they are to be left out. Those on the embedded broker are where there is no
 * Java; those on Apache Kafka need Java anyway, and never are.
 */
export function withoutJava(): boolean {
  return ON_EMBEDDED_BROKER && javaToolsMissing()
}

/** Starts a broker of the kind that the tests of this run are on, for one that stops or restarts it. */
export function startBroker(options: BrokerOptions = {}): Promise<RunningBroker> {
  return ON_EMBEDDED_BROKER ? startEmbeddedBroker(options) : startKafka(options)
}
