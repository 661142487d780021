import type { Processor, ProcessorContext, StreamRecord } from '@millrace/streams/core'
import { TopologyTestDriver } from '@millrace/testing'
import { describe, expect, test } from 'vitest'
import { number, processor, sink, source, text, topologyOf } from './hand-made.ts'

const serdes = { key: text, value: number }

/** Forwards each record, and waits for what it is told to. */
class Waiting implements Processor<string | null, number | null, unknown, unknown> {
  readonly #promiseOf: (value: number | null) => Promise<unknown> | undefined
  #context: ProcessorContext<unknown, unknown> | undefined

  constructor(promiseOf: (value: number | null) => Promise<unknown> | undefined) {
    this.#promiseOf = promiseOf
  }

  init(context: ProcessorContext<unknown, unknown>): void {
    this.#context = context
  }

  process(record: StreamRecord<string | null, number | null>): void {
    const promise = this.#promiseOf(record.value)
    if (promise !== undefined) this.#context?.waitFor(promise)
    this.#context?.forward(record)
  }
}

async function open(promiseOf: (value: number | null) => Promise<unknown> | undefined, handlers = {}) {
  const topology = topologyOf([
    source('in', ['input'], ['p']),
    processor('p', ['in'], ['out'], () => new Waiting(promiseOf)),
    sink('out', ['p'], 'output')
  ])
  const driver = await TopologyTestDriver.open(topology, { handlers })
  return { driver, input: driver.inputTopic('input', serdes), output: driver.outputTopic('output', serdes) }
}

describe('waitFor', () => {
  test('finishes the record in work, and keeps the next one until the promise settles', async () => {
    const first = Promise.withResolvers<void>()
    const { driver, input, output } = await open(value => (value === 1 ? first.promise : undefined))
    await using _ = driver
    input.pipe('r', 1, 1)
    input.pipe('r', 2, 2)
    expect(output.readKeyValues()).toEqual([['r', 1]])
    first.resolve()
    await driver.settle()
    expect(output.readKeyValues()).toEqual([['r', 2]])
  })

  test('keeps a commit until the promise settles', async () => {
    const saved = Promise.withResolvers<void>()
    const { driver, input } = await open(() => saved.promise)
    await using _ = driver
    input.pipe('r', 1, 1)
    const order: string[] = []
    const committed = driver.commit().then(() => order.push('committed'))
    await new Promise<void>(resolve => setImmediate(resolve))
    order.push('saved')
    saved.resolve()
    await committed
    expect(order).toEqual(['saved', 'committed'])
  })

  test('waits for all of several promises', async () => {
    const parts = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const { driver, input, output } = await open(value =>
      value === 1 ? Promise.all(parts.map(({ promise }) => promise)) : undefined
    )
    await using _ = driver
    input.pipe('r', 1, 1)
    input.pipe('r', 2, 2)
    parts[0]?.resolve()
    await new Promise<void>(resolve => setImmediate(resolve))
    driver.advanceWallClock(1)
    expect(output.readKeyValues()).toEqual([['r', 1]])
    parts[1]?.resolve()
    await driver.settle()
    expect(output.readKeyValues()).toEqual([['r', 2]])
  })

  test('stops the task when the promise rejects, naming the node', async () => {
    const { driver, input } = await open(() => Promise.reject(new Error('no answer')))
    await using _ = driver
    input.pipe('r', 1, 1)
    await expect(driver.commit()).rejects.toMatchObject({
      code: 'RECORD_PROCESS_FAILED',
      message: expect.stringContaining("'p'"),
      cause: { message: 'no answer' }
    })
  })

  test('goes on after a rejection that the handler lets pass', async () => {
    const { driver, input, output } = await open(
      value => (value === 1 ? Promise.reject(new Error('no answer')) : undefined),
      { onProcessingError: 'continue' }
    )
    await using _ = driver
    input.pipe('r', 1, 1)
    input.pipe('r', 2, 2)
    await driver.settle()
    expect(output.readKeyValues()).toEqual([
      ['r', 1],
      ['r', 2]
    ])
  })
  test('sends the record it waited for to the dead-letter topic, whole, when the promise rejects', async () => {
    const { driver, input } = await open(value => (value === 1 ? Promise.reject(new Error('no answer')) : undefined), {
      onProcessingError: 'dead-letter',
      deadLetterTopic: 'dead'
    })
    await using _ = driver
    input.pipe('r', 1, 5, [['mine', Buffer.from('kept')]])
    input.pipe('s', 2, 6)
    await driver.settle()
    const letters = driver.outputTopic('dead', serdes).readRecords()
    expect(letters).toMatchObject([{ key: 'r', value: 1, timestampMs: 5 }])
    const headers = new Map(letters[0]?.headers.map(([name, value]) => [name, String(value)]))
    expect(headers.get('mine')).toBe('kept')
    expect(headers.get('__streams.errors.offset')).toBe('0')
  })
})
