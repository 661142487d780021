import type { TestProject } from 'vitest/node'
import { startEmbeddedBroker } from './embedded-broker.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    readonly embeddedBroker: string
  }
}

/** Starts the embedded broker that the tests of a project share; they hear of it in `use-embedded-broker.ts`. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const broker = await startEmbeddedBroker()
  project.provide('embeddedBroker', broker.brokers)
  return () => broker.stop()
}
