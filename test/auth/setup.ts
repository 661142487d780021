import type { TestProject } from 'vitest/node'
import type { Certificate } from './certificate-authority.ts'
import { LISTENER_NAMES, type ListenerName, SecuredKafka } from './secured-kafka.ts'

/** What the tests know of their broker. */
export interface Secured {
  /** `host:port` of the plain listener, whose users may do everything. */
  readonly brokers: string
  readonly address: Readonly<Record<ListenerName, string>>
  /** Signed by the authority of the listeners' certificates. */
  readonly authority: string
  /** A client's, by the same authority. */
  readonly identity: Certificate
}

declare module 'vitest' {
  export interface ProvidedContext {
    readonly secured: Secured
  }
}

/** Starts the Kafka that the tests of this folder share. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const kafka = await SecuredKafka.start()
  project.provide('secured', {
    brokers: kafka.kafka.brokers,
    address: Object.fromEntries(LISTENER_NAMES.map(name => [name, kafka.address(name)])) as Secured['address'],
    authority: kafka.authority.cert,
    identity: kafka.authority.issue({ name: 'alice' })
  })
  return () => kafka.stop()
}
