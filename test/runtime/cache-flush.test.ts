import { type Serde, StreamsBuilder, string } from '@millrace/streams'
import {
  type Processor,
  type ProcessorContext,
  StreamsError,
  type StreamRecord,
  type TimestampedKeyValueStore
} from '@millrace/streams/core'
import type { ErrorHandlers, FailedRecord } from '@millrace/streams/runtime'
import { TopologyTestDriver } from '@millrace/testing'
import { describe, expect, test } from 'vitest'
import { keyValueStore, processor, sink, source, topologyOf } from './hand-made.ts'
import { ListAppender, ListReader, openTask, processAll } from './task-bench.ts'

const TEXT = { key: string(), value: string() }

/** The newest value of each key, through a cache that holds one or two, and below it a function that fails on 'bad'. */
async function openTable(handlers: Partial<ErrorHandlers>) {
  const origins: (string | undefined)[] = []
  const builder = new StreamsBuilder()
  builder
    .stream('in', TEXT)
    .groupByKey()
    .reduce((_, newest) => newest, { store: 'newest', value: string() })
    .toStream()
    .processValues<string>(() => {
      let context: ProcessorContext<string, string>
      return {
        init: given => {
          context = given
        },
        process: record => {
          const from = context.recordMetadata()
          origins.push(from === undefined ? undefined : `${from.topic}@${from.offset}`)
          if (record.value === 'bad') throw new Error('bad')
          context.forward(record)
        }
      }
    })
    .to('out', TEXT)
  const driver = await TopologyTestDriver.open(builder.build(), { cacheBytes: 300, handlers })
  return { driver, input: driver.inputTopic('in', TEXT), output: driver.outputTopic('out', TEXT), origins }
}

describe('what leaves a record cache in the midst of a record', () => {
  test('is not taken for that record, neither by processors nor by handlers', async () => {
    const failures: FailedRecord[] = []
    const onProcessingError = (failed: FailedRecord) => {
      failures.push({ ...failed })
      return 'continue' as const
    }
    const { driver, input, output, origins } = await openTable({ onProcessingError })
    await using _ = driver
    input.pipe('a', 'bad', 1)
    input.pipe('b', 'x'.repeat(300), 2)
    expect(output.readKeyValues()).toEqual([['b', 'x'.repeat(300)]])
    expect(origins).toEqual([undefined, undefined])
    expect(failures).toMatchObject([
      { topic: undefined, partition: undefined, offset: undefined, key: null, value: null }
    ])
    expect(failures[0]?.error.details).toMatchObject({ topic: undefined, offset: undefined, timestampMs: 1 })
  })

  test('leaves the record in work as it was', async () => {
    const seen: unknown[] = []
    const builder = new StreamsBuilder()
    builder
      .table('in', { ...TEXT, store: 'rows' })
      .toStream()
      .to('out', TEXT)
    builder
      .stream('other', TEXT)
      .processValues<string>(() => {
        let context: ProcessorContext<string, string>
        return {
          init: given => {
            context = given
          },
          process: record => {
            context.forward(record)
            seen.push([context.recordMetadata()?.offset, context.currentHeaders().length])
          }
        }
      })
      .groupByKey()
      .reduce((_, newest) => newest, { store: 'newest', value: string() })
    await using driver = await TopologyTestDriver.open(builder.build(), { cacheBytes: 1 })
    driver.inputTopic('other', TEXT).pipe('a', 'x', 1, [['h', null]])
    expect(seen).toEqual([[0, 1]])
  })

  test('is dead-lettered without the bytes of that record', async () => {
    const { driver, input } = await openTable({ onProcessingError: 'dead-letter', deadLetterTopic: 'dead' })
    await using _ = driver
    input.pipe('a', 'bad', 1)
    input.pipe('b', 'x'.repeat(300), 2)
    const letters = driver.outputTopic('dead', TEXT).readRecords()
    expect(letters).toMatchObject([{ key: null, value: null }])
    expect(letters[0]?.headers.map(([name]) => name)).not.toContain('__streams.errors.offset')
  })
})

/** Keeps each value under itself, and forwards what was kept. */
class Keeping implements Processor<string | null, number | null, string, number> {
  #context: ProcessorContext<string, number> | undefined
  #rows: TimestampedKeyValueStore<string, number> | undefined
  #isCached = false

  init(context: ProcessorContext<string, number>): void {
    this.#context = context
    this.#rows = context.getStateStore('rows')
    this.#isCached = this.#rows?.onFlush(
      (key, { after }, timestampMs, headers) => context.forward({ key, value: after ?? 0, timestampMs, headers }),
      false
    ) as boolean
  }

  process({ value, timestampMs, headers }: StreamRecord<string | null, number | null>): void {
    const key = String(value)
    this.#rows?.put(key, value, timestampMs, headers)
    if (!this.#isCached) this.#context?.forward({ key, value: value ?? 0, timestampMs, headers })
  }
}

describe.each([
  ['with a record cache', 1024 * 1024],
  ['without', 0]
])('an update that the changelog refuses, %s,', (_, cacheBytes) => {
  async function run(handlers: Partial<ErrorHandlers>) {
    const topology = topologyOf(
      [
        source('in', ['in'], ['keep']),
        processor('keep', ['in'], ['out'], () => new Keeping(), ['rows']),
        sink('out', ['keep'], 'out')
      ],
      [keyValueStore('rows', { caching: true })]
    )
    const output = new ListAppender('out')
    const changelog = new ListAppender('app-rows-changelog', value => {
      if (value === '1') throw new StreamsError('RECORD_TOO_LARGE', 'Too large.')
    })
    const { task } = await openTask(topology, {
      readers: [new ListReader('in', [10, 20, 30])],
      appenders: [output, changelog],
      handlers,
      cacheBytes
    })
    processAll(task)
    await task.prepareCommit()
    await task.commitSucceeded()
    const rows = task.state.stores.get('rows') as TimestampedKeyValueStore<string, number>
    return { output, changelog, kept: ['0', '1', '2'].filter(key => rows.get(key) !== undefined) }
  }

  test('is an error of the node that put it, and the others go on when the handler says so', async () => {
    const failures: FailedRecord[] = []
    const { output, changelog, kept } = await run({
      onProcessingError: failed => {
        failures.push(failed)
        return 'continue'
      }
    })
    expect(failures).toMatchObject([
      { node: 'keep', error: { code: 'RECORD_PROCESS_FAILED', cause: { code: 'RECORD_TOO_LARGE' } } }
    ])
    expect([output.values, changelog.values, kept]).toEqual([
      ['0', '2'],
      ['0', '2'],
      ['0', '2']
    ])
  })

  test('stops the task when the handler says so', async () => {
    await expect(run({})).rejects.toMatchObject({
      code: 'RECORD_PROCESS_FAILED',
      message: expect.stringContaining("Node 'keep' of task 0_0 failed"),
      cause: { code: 'RECORD_TOO_LARGE' }
    })
  })
})

test('a value that cannot be read when it leaves the cache is an error of the node that put it', async () => {
  const value: Serde<{ text: string }> = {
    name: 'half-broken',
    serialize: ({ text }) => Buffer.from(text),
    deserialize: bytes => {
      const text = Buffer.from(bytes).toString()
      if (text === 'bad') throw new Error('unreadable')
      return { text }
    }
  }
  const builder = new StreamsBuilder()
  builder
    .stream('in', TEXT)
    .mapValues(text => ({ text }))
    .groupByKey()
    .reduce((_, newest) => newest, { store: 'newest', value, name: 'keep' })
    .toStream()
    .mapValues(({ text }) => text)
    .to('out', TEXT)
  const failures: string[] = []
  const onProcessingError = ({ node, error }: FailedRecord) => {
    failures.push(`${node}: ${String(error.cause)}`)
    return 'continue' as const
  }
  const handlers = { onProcessingError }
  await using driver = await TopologyTestDriver.open(builder.build(), { cacheBytes: 1024 * 1024, handlers })
  const input = driver.inputTopic('in', TEXT)
  for (const text of ['a', 'bad', 'b']) input.pipe(text, text, 1)
  await driver.commit()
  const output = driver.outputTopic('out', TEXT).readKeyValues()
  expect(output.map(([key]) => key)).toEqual(['a', 'b'])
  expect(failures).toEqual([expect.stringMatching(/^keep: .*'half-broken' cannot read.*RECORD_DESERIALIZE_FAILED/)])
})
