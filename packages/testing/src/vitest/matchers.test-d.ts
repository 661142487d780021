import { expect, test } from 'vitest'
import type { TestInputTopic } from '../driver/test-input-topic.ts'
import type { TestOutputTopic } from '../driver/test-output-topic.ts'
import type { TopologyTestDriver } from '../topology-test-driver.ts'
import './index.ts'

declare const output: TestOutputTopic<string, number>
declare const input: TestInputTopic<string, number>
declare const driver: TopologyTestDriver

test('each matcher is there for what it is about, and takes what it needs', async () => {
  expect(output).toHaveEmitted('a:1@0')
  expect(output).not.toHaveEmitted('a:1@0')
  await expect(driver).toHaveStore('counts', { a: 1 })
  await expect(driver).toHaveStore('counts', { a: { value: 1, timestampMs: 0 } }, { timestamps: true })
  // @ts-expect-error The driver emits nothing itself.
  expect(driver).toHaveEmitted('a:1@0')
  // @ts-expect-error An input topic gives nothing out.
  expect(input).toHaveEmitted('a:1@0')
  // @ts-expect-error Records are written as one text.
  expect(output).toHaveEmitted(['a:1@0'])
  // @ts-expect-error The rows are missing.
  await expect(driver).toHaveStore('counts')
  // @ts-expect-error There is no such option.
  await expect(driver).toHaveStore('counts', {}, { timestamp: true })
})

test('records are piped as one text, or with key, value and time', () => {
  input.pipe('a:1@0')
  input.pipe('a', 1, 0)
  // @ts-expect-error The value does not fit.
  input.pipe('a', 'b', 0)
  // @ts-expect-error The time is missing.
  input.pipe('a', 1)
})
