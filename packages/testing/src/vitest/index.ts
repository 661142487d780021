import { expect } from 'vitest'
import type { TestOutputTopic } from '../driver/test-output-topic.ts'
import type { StoreSnapshot } from '../store-snapshot.ts'
import type { TopologyTestDriver } from '../topology-test-driver.ts'
import { matchers } from './matchers.ts'

export { matchers }

/** Matchers for the test driver; `import '@millrace/testing/vitest'` in a test or a set-up file adds them. */
export interface MillraceMatchers<T> {
  /**
   * The records that wait in an output topic, and no others, in this order: `'a:1@0 b:2@5s'`; `''` for none. They count as read.
   * A time or headers that are not written are not compared.
   */
  toHaveEmitted: T extends TestOutputTopic<any, any> ? (records: string) => void : never
  /**
   * All rows of a store, as `TopologyTestDriver.snapshot` gives them: `await expect(driver).toHaveStore('counts', { a: 1 })`.
   */
  toHaveStore: T extends TopologyTestDriver
    ? (name: string, rows: StoreSnapshot, options?: { readonly timestamps?: boolean }) => Promise<void>
    : never
}

declare module 'vitest' {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> extends MillraceMatchers<T> {}
}

expect.extend(matchers)
