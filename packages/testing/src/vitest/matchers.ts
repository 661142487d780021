import type { MatcherState } from 'vitest'
import type { TestOutputTopic } from '../driver/test-output-topic.ts'
import { expectedRecords, recordText } from '../notation/records.ts'
import { plainText } from '../notation/typed-term.ts'
import type { StoreSnapshot } from '../store-snapshot.ts'
import type { SnapshotOptions, TopologyTestDriver } from '../topology-test-driver.ts'
import { sideBySide } from './side-by-side.ts'

function toHaveEmitted(this: MatcherState, received: unknown, notation: unknown) {
  if (!isOutputTopic(received)) throw new TypeError('toHaveEmitted() is for what driver.outputTopic() gives.')
  if (typeof notation !== 'string') throw new TypeError("toHaveEmitted() takes a text, such as 'a:1@0 b:2@5s'.")
  const expected = expectedRecords(notation, received.serdes, received.topic)
  const got = received.readRecords()
  const areEqual = (i: number, j: number): boolean => {
    const [wanted, record] = [expected[i], got[j]]
    if (wanted === undefined || record === undefined) return false
    const { key, value, timestampMs = record.timestampMs, headers = record.headers } = wanted
    return this.equals({ key, value, timestampMs, headers }, { ...record })
  }
  return {
    pass: expected.length === got.length && expected.every((_, index) => areEqual(index, index)),
    message: () => {
      const lines = expected.map(record => recordText(record, received.serdes))
      if (this.isNot) return `Topic '${received.topic}' was expected to get anything but\n\n${lines.join('\n')}`
      const gotLines = got.map(record => recordText(record, received.serdes))
      return `Topic '${received.topic}' did not get what was expected.\n\n${sideBySide(lines, gotLines, areEqual)}\n`
    }
  }
}

async function toHaveStore(this: MatcherState, received: unknown, name: unknown, rows: unknown, options: unknown = {}) {
  if (!isDriver(received)) throw new TypeError('toHaveStore() is for a TopologyTestDriver.')
  if (typeof name !== 'string' || typeof rows !== 'object' || rows === null)
    throw new TypeError('toHaveStore() takes the name of a store and its rows: { a: 1 }.')
  const timestamps = (options as SnapshotOptions).timestamps === true
  const got = (await received.snapshot({ stores: [name], timestamps }))[name] ?? {}
  const expected = sorted(rows as StoreSnapshot)
  const [keys, gotKeys] = [Object.keys(expected), Object.keys(got)]
  const areEqual = (i: number, j: number): boolean => {
    const [key, gotKey] = [keys[i] as string, gotKeys[j] as string]
    return key === gotKey && this.equals(expected[key], got[gotKey])
  }
  return {
    pass: this.equals(expected, got),
    message: () => {
      const lines = linesOf(expected)
      if (this.isNot) return `Store '${name}' was expected to hold anything but\n\n${lines.join('\n')}`
      return `Store '${name}' does not hold what was expected.\n\n${sideBySide(lines, linesOf(got), areEqual)}\n`
    }
  }
}

/** For `expect.extend` of another `expect`; importing `@millrace/testing/vitest` extends vitest's. */
export const matchers = { toHaveEmitted, toHaveStore }

/** By shape: the application and the test may have two copies of this package. */
function isOutputTopic(value: unknown): value is TestOutputTopic<unknown, unknown> {
  return typeof value === 'object' && value !== null && 'readRecords' in value && 'serdes' in value
}

function isDriver(value: unknown): value is TopologyTestDriver {
  return typeof value === 'object' && value !== null && 'snapshot' in value && 'outputTopic' in value
}

function sorted(rows: StoreSnapshot): StoreSnapshot {
  return Object.fromEntries(Object.entries(rows).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function linesOf(rows: StoreSnapshot): string[] {
  return Object.entries(rows).map(([key, value]) => `${key}: ${plainText(value)}`)
}
