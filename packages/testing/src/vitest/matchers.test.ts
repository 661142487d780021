import { int64, json, StreamsBuilder, string } from '@millrace/streams'
import { expect, test } from 'vitest'
import { TopologyTestDriver } from '../topology-test-driver.ts'
import './index.ts'

const TEXT = { key: string(), value: string() }
const COUNTS = { key: string(), value: int64() }

async function counting() {
  const builder = new StreamsBuilder()
  builder.stream('in', TEXT).groupByKey().count({ store: 'counts' }).toStream().to('out', COUNTS)
  const driver = await TopologyTestDriver.open(builder.build())
  return { driver, input: driver.inputTopic('in', TEXT), output: driver.outputTopic('out', COUNTS) }
}

async function messageOf(assertion: () => unknown): Promise<string> {
  try {
    await assertion()
  } catch (error) {
    return (error as Error).message
  }
  return 'passed'
}

test('emitted records are compared with what is written, and count as read', async () => {
  const { driver, input, output } = await counting()
  await using _ = driver
  expect(output).toHaveEmitted('')
  input.pipe('a:x@0 b:x@5s a:x@3s')
  expect(output).toHaveEmitted('a:1@0 b:1@5s a:2@3s')
  expect(output).toHaveEmitted('')
  input.pipe('a:x@6s')
  expect(output).toHaveEmitted('a:3')
  input.pipe('a:x@7s')
  expect(output).not.toHaveEmitted('a:4@8s')
})

test('what is missing, more, or different stands side by side', async () => {
  const { driver, input, output } = await counting()
  await using _ = driver
  input.pipe('a:x@0 b:x@5s a:x@3s c:x@9s')
  expect(await messageOf(() => expect(output).toHaveEmitted('a:1 b:2@5s a:2@3s d:1@8s c:1@9s'))).toBe(
    "Topic 'out' did not get what was expected.\n\n" +
      '   expected   got\n' +
      '   a:1        a:1@0\n' +
      '✗  b:2@5s     b:1@5s\n' +
      '   a:2@3s     a:2@3s\n' +
      '✗  d:1@8s     –\n' +
      '   c:1@9s     c:1@9s\n'
  )
  input.pipe('a:x@0')
  expect(await messageOf(() => expect(output).toHaveEmitted(''))).toContain('✗  –          a:3@3s')
  input.pipe('a:x@9s')
  expect(await messageOf(() => expect(output).not.toHaveEmitted('a:4@9s'))).toContain('anything but\n\na:4@9s')
})

test('headers are compared when they are written', async () => {
  const builder = new StreamsBuilder()
  builder.stream('in', TEXT).to('out', TEXT)
  await using driver = await TopologyTestDriver.open(builder.build())
  const [input, output] = [driver.inputTopic('in', TEXT), driver.outputTopic('out', TEXT)]
  input.pipe('a:x@0^h=1')
  expect(output).toHaveEmitted('a:x@0')
  input.pipe('a:x@0^h=1')
  expect(output).toHaveEmitted('a:x@0^h=1')
  input.pipe('a:x@0^h=1')
  expect(await messageOf(() => expect(output).toHaveEmitted('a:x@0^h=2'))).toContain('✗  a:x@0^h=2   a:x@0^h=1')
})

test('rows of a store are compared as a whole, in any order', async () => {
  const { driver, input } = await counting()
  await using _ = driver
  await expect(driver).toHaveStore('counts', {})
  input.pipe('a:x@0 b:x@5s a:x@3s')
  await expect(driver).toHaveStore('counts', { b: 1, a: 2 })
  await expect(driver).toHaveStore(
    'counts',
    { a: { value: 2, timestampMs: 3000 }, b: { value: 1, timestampMs: 5000 } },
    { timestamps: true }
  )
  await expect(driver).not.toHaveStore('counts', { a: 2 })
  await expect(driver).toHaveStore('counts', { a: expect.any(Number), b: 1 })
  expect(await messageOf(() => expect(driver).toHaveStore('counts', { a: 1, c: 1 }))).toBe(
    "Store 'counts' does not hold what was expected.\n\n" +
      '   expected   got\n' +
      '✗  a: 1       a: 2\n' +
      '✗  c: 1       b: 1\n'
  )
  expect(await messageOf(() => expect(driver).toHaveStore('count', {}))).toContain("There is no store 'count'")
})

test('wrong use is named', async () => {
  const { driver, output } = await counting()
  await using _ = driver
  const untyped = expect as unknown as (value: unknown) => Record<string, (...args: unknown[]) => unknown>
  const fails = (value: unknown, matcher: string, ...args: unknown[]) =>
    messageOf(() => untyped(value)[matcher]?.(...args))
  expect(await fails('text', 'toHaveEmitted', '')).toContain('is for what driver.outputTopic() gives')
  expect(await fails(output, 'toHaveEmitted', ['a:1'])).toContain('takes a text')
  expect(await fails(output, 'toHaveStore', 'counts', {})).toContain('is for a TopologyTestDriver')
  expect(await fails(driver, 'toHaveStore', { counts: {} })).toContain('takes the name of a store')
  expect(await fails(driver, 'toHaveStore', 'counts')).toContain('takes the name of a store')
  expect(await fails(output, 'toHaveEmitted', 'a:1@')).toContain('Line 1, column 5: a time expected')
})

test('idle time moves the wall clock, and an error in the text sends nothing', async () => {
  const builder = new StreamsBuilder()
  builder
    .stream('in', { key: string(), value: json<number>() })
    .process<string, number>(() => {
      let total = 0
      return {
        init: context => {
          context.schedule('10s', 'wall-clock', () =>
            context.forward({ key: 'total', value: total, timestampMs: 0, headers: [] })
          )
        },
        process: ({ value }) => void (total += value)
      }
    })
    .to('out', { key: string(), value: json<number>() })
  await using driver = await TopologyTestDriver.open(builder.build())
  const input = driver.inputTopic('in', { key: string(), value: json<number>() })
  const output = driver.outputTopic('out', { key: string(), value: json<number>() })
  input.pipe('a:1@0 a:2@+5s --idle 25s a:3 --idle 10s')
  expect(output.readText()).toBe('total:3@0 total:6@0')
  expect(() => input.pipe('a:100@0 a:1@never')).toThrow('a time expected')
  input.pipe('--idle 10s')
  expect(output).toHaveEmitted('total:6@0')
})
