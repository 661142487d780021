import type { Processor, ProcessorContext, StreamRecord } from '@millrace/streams/core'
import { MockClock, TopologyTestDriver } from '@millrace/testing'
import { describe, expect, test } from 'vitest'
import { number, processor, sink, source, summingTopology, text, topologyOf } from './hand-made.ts'

const serdes = { key: text, value: number }

class Mapping implements Processor<string | null, number | null, unknown, unknown> {
  #context: ProcessorContext<unknown, unknown> | undefined
  readonly #map: (value: number | null) => number
  constructor(map: (value: number | null) => number) {
    this.#map = map
  }
  init(context: ProcessorContext<unknown, unknown>): void {
    this.#context = context
  }
  process(record: StreamRecord<string | null, number | null>): void {
    this.#context?.forward({ ...record, value: this.#map(record.value) })
  }
}

const failOnSeven = (value: number | null) => {
  if (value === 7) throw new Error('seven')
  return value ?? 0
}
const failing = () =>
  topologyOf([
    source('in', ['input'], ['map']),
    processor('map', ['in'], ['out'], () => new Mapping(failOnSeven)),
    sink('out', ['map'], 'output')
  ])

describe('processing', () => {
  test('keeps state, changelog and output together', async () => {
    await using driver = await TopologyTestDriver.open(summingTopology())
    const input = driver.inputTopic('input', serdes)
    input.pipe('a', 1, 10)
    input.pipe('b', 5, 20)
    input.pipe('a', 2, 5)
    expect(driver.outputTopic('output', serdes).readRecords()).toEqual([
      { key: 'a', value: 1, timestampMs: 10, headers: [] },
      { key: 'b', value: 5, timestampMs: 20, headers: [] },
      { key: 'a', value: 3, timestampMs: 5, headers: [] }
    ])
    expect(driver.outputTopic('test-sums-changelog', serdes).readTable()).toEqual(
      new Map([
        ['a', 3],
        ['b', 5]
      ])
    )
    await driver.commit()
    expect(driver.store<{ get(key: string): unknown }>('sums').get('a')).toEqual({ value: 3, timestampMs: 5 })
  })

  test('drops a record without a timestamp', async () => {
    await using driver = await TopologyTestDriver.open(summingTopology())
    driver.inputTopic('input', serdes).pipe('a', 1, -1)
    expect(driver.outputTopic('output', serdes).size).toBe(0)
  })
})

describe('errors', () => {
  test('stops at a record that cannot be deserialised, naming it', async () => {
    await using driver = await TopologyTestDriver.open(summingTopology())
    expect(() => driver.inputTopic('input', serdes).pipeBytes(Buffer.from('k'), Buffer.from('x'), 0)).toThrowError(
      expect.objectContaining({
        code: 'RECORD_DESERIALIZE_FAILED',
        details: expect.objectContaining({ topic: 'input', partition: 0, offset: 0, node: 'in', part: 'value' }),
        cause: expect.objectContaining({ message: "'x' is no number" })
      })
    )
  })

  test('goes on after it when told to', async () => {
    await using driver = await TopologyTestDriver.open(summingTopology(), {
      handlers: { onDeserializationError: 'continue' }
    })
    const input = driver.inputTopic('input', serdes)
    input.pipeBytes(Buffer.from('k'), Buffer.from('x'), 0)
    input.pipe('k', 1, 1)
    expect(driver.outputTopic('output', serdes).readKeyValues()).toEqual([['k', 1]])
  })

  test('sends the original bytes to the dead-letter topic, with why and from where', async () => {
    await using driver = await TopologyTestDriver.open(summingTopology(), {
      handlers: { onDeserializationError: 'dead-letter', deadLetterTopic: 'dead' }
    })
    const input = driver.inputTopic('input', serdes)
    input.pipe('k', 1, 1)
    input.pipeBytes(Buffer.from('k'), Buffer.from('x'), 17, [['mine', Buffer.from('kept')]])
    const [letter] = driver.outputTopic('dead', { key: text, value: text }).readRecords()
    expect(letter).toMatchObject({ key: 'k', value: 'x', timestampMs: 17 })
    const headers = new Map(
      letter?.headers.map(([name, value]) => [name, value === null ? null : Buffer.from(value).toString()])
    )
    expect(headers.get('mine')).toBe('kept')
    expect(headers.get('__streams.errors.topic')).toBe('input')
    expect(headers.get('__streams.errors.partition')).toBe('0')
    expect(headers.get('__streams.errors.offset')).toBe('1')
    expect(headers.get('__streams.errors.exception')).toBe('TypeError')
    expect(headers.get('__streams.errors.message')).toContain("'x' is no number")
  })

  test('names the node, the record and the cause when a processor throws', async () => {
    await using driver = await TopologyTestDriver.open(failing())
    const input = driver.inputTopic('input', serdes)
    input.pipe('a', 1, 0)
    expect(() => input.pipe('a', 7, 1)).toThrowError(
      expect.objectContaining({
        code: 'RECORD_PROCESS_FAILED',
        message: expect.stringContaining("Node 'map' of task 0_0 failed at input-0@1: seven"),
        cause: expect.objectContaining({ message: 'seven' })
      })
    )
  })

  test('asks the handler of the failing node only', async () => {
    const failures: string[] = []
    await using driver = await TopologyTestDriver.open(
      topologyOf([
        source('in', ['input'], ['first']),
        processor('first', ['in'], ['second'], () => new Mapping(value => value ?? 0)),
        processor('second', ['first'], ['out'], () => new Mapping(failOnSeven)),
        sink('out', ['second'], 'output')
      ]),
      {
        handlers: {
          onProcessingError: failed => {
            failures.push(`${failed.node}: ${Buffer.from(failed.value ?? []).toString()}`)
            return 'fail'
          }
        }
      }
    )
    expect(() => driver.inputTopic('input', serdes).pipe('a', 7, 1)).toThrowError(/'second'/)
    expect(failures).toEqual(['second: 7'])
  })

  test('an error handler that throws stops the task and both errors are kept', async () => {
    await using driver = await TopologyTestDriver.open(failing(), {
      handlers: {
        onProcessingError: () => {
          throw new Error('handler')
        }
      }
    })
    expect(() => driver.inputTopic('input', serdes).pipe('a', 7, 1)).toThrowError(
      /seven.*handler itself threw: handler/
    )
  })
})

describe('several inputs', () => {
  const seen = () => {
    const order: (number | null)[] = []
    const topology = topologyOf([
      source('left', ['a'], ['see']),
      source('right', ['b'], ['see']),
      processor('see', ['left', 'right'], [], () => ({ process: record => void order.push(record.value) }))
    ])
    return { order, topology }
  }

  test('takes the record with the lowest timestamp first', async () => {
    const { order, topology } = seen()
    await using driver = await TopologyTestDriver.open(topology)
    driver.inputTopic('b', serdes).pipe('k', 1, 10)
    driver.inputTopic('a', serdes).pipe('k', 2, 5)
    expect(order).toEqual([1, 2])
  })
})

test('the mocked clock calls timers at their own time, in order', () => {
  const clock = new MockClock(1000)
  const calls: string[] = []
  clock.setTimer(20, () => calls.push(`b@${clock.nowMs()}`))
  clock.setTimer(10, () => calls.push(`a@${clock.nowMs()}`))
  const cancel = clock.setTimer(15, () => calls.push('never'))
  cancel()
  clock.advance(15)
  expect(calls).toEqual(['a@1010'])
  clock.advance(100)
  expect(calls).toEqual(['a@1010', 'b@1020'])
})
