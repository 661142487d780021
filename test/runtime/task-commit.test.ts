import type { Processor, ProcessorContext, StreamRecord } from '@millrace/streams/core'
import { StreamsError } from '@millrace/streams/core'
import type { ErrorHandlers } from '@millrace/streams/runtime'
import { INTERNAL_PREFIX } from '@millrace/streams/topology'
import { describe, expect, test } from 'vitest'
import { processor, sink, source, topologyOf } from './hand-made.ts'
import { ListAppender, ListReader, openTask, processAll, type TaskBenchOptions } from './task-bench.ts'

type AnyContext = ProcessorContext<unknown, unknown>

/** Forwards what it gets, and does what `init` says. */
class Forwarding implements Processor<string | null, number | null, unknown, unknown> {
  readonly #init: (context: AnyContext) => void
  #context: AnyContext | undefined

  constructor(init: (context: AnyContext) => void = () => {}) {
    this.#init = init
  }

  init(context: AnyContext): void {
    this.#context = context
    this.#init(context)
  }

  process(record: StreamRecord<string | null, number | null>): void {
    this.#context?.forward(record)
  }
}

const forwarding = (init?: (context: AnyContext) => void) =>
  topologyOf([
    source('in', ['input'], ['p']),
    processor('p', ['in'], ['out'], () => new Forwarding(init)),
    sink('out', ['p'], 'output')
  ])

const tick = (context: AnyContext) => (timestampMs: number) =>
  context.forward({ key: 'tick', value: timestampMs, timestampMs, headers: [] })

describe('what a punctuation writes', () => {
  test('is committed although no input has moved', async () => {
    const output = new ListAppender('output')
    const topology = forwarding(context => void context.schedule(100, 'wall-clock', tick(context)))
    const { task, clock } = await openTask(topology, { readers: [new ListReader('input', [])], appenders: [output] })
    expect(task.commitNeeded).toBe(false)
    clock.advance(100)
    processAll(task)
    expect(output.values).toEqual(['100'])
    expect(task.commitNeeded).toBe(true)
    await task.prepareCommit()
    await task.commitSucceeded()
    expect(task.commitNeeded).toBe(false)
  })

  test('is not torn apart by a commit while it is asynchronous', async () => {
    const output = new ListAppender('output')
    let release: () => void = () => {}
    const topology = forwarding(context => {
      context.schedule(100, 'wall-clock', async timestampMs => {
        tick(context)(timestampMs)
        await new Promise<void>(resolve => {
          release = resolve
        })
        tick(context)(timestampMs)
      })
    })
    const { task, clock } = await openTask(topology, { readers: [new ListReader('input', [])], appenders: [output] })
    clock.advance(100)
    processAll(task)
    expect(task.commitNeeded).toBe(true)
    let writtenBefore = -1
    const prepared = task.prepareCommit().then(() => {
      writtenBefore = output.values.length
    })
    await new Promise(resolve => void setImmediate(resolve))
    expect(writtenBefore).toBe(-1)
    release()
    await prepared
    expect(writtenBefore).toBe(2)
  })

  test('is waited for when the task is closed, and so is the next of the same moment, whose failure is noticed', async () => {
    let settled = false
    const topology = forwarding(context => {
      context.schedule(100, 'wall-clock', async () => {
        await new Promise(resolve => void setImmediate(resolve))
        settled = true
      })
      context.schedule(100, 'wall-clock', () => {
        throw new Error('the next one')
      })
    })
    const appenders = [new ListAppender('output')]
    const { task, clock } = await openTask(topology, { readers: [new ListReader('input', [])], appenders })
    clock.advance(100)
    processAll(task)
    await task.close()
    expect(settled).toBe(true)
    expect(() => processAll(task)).toThrow('the next one')
  })
})

test('the committed time of an input tells of processed records only, so that a restart changes no stream time', async () => {
  const seen: number[] = []
  class Watching implements Processor<string | null, number | null, unknown, unknown> {
    #context: AnyContext | undefined
    init(context: AnyContext): void {
      this.#context = context
    }
    process(): void {
      seen.push(this.#context?.streamTimeMs() ?? -1)
    }
  }
  const topology = topologyOf([
    source('l', ['left'], ['p']),
    source('r', ['right'], ['p']),
    processor('p', ['l', 'r'], [], () => new Watching())
  ])
  // The right input is known to hold more than has been fetched: the left head, far ahead in time, has to wait.
  const first = [new ListReader('left', [50_000]), new ListReader('right', [100], 10)]
  const { task } = await openTask(topology, { readers: first })
  processAll(task)
  const offsets = await task.prepareCommit()
  expect(offsets.map(({ topic, offset }) => [topic, offset])).toEqual([
    ['left', 0],
    ['right', 1]
  ])

  const metadata = ['left', 'right'].map(name => offsets.find(({ topic }) => topic === name)?.metadata ?? '')
  const second = [new ListReader('left', [50_000]), new ListReader('right', [200, 1300], 3)]
  processAll((await openTask(topology, { readers: second, metadata })).task)
  expect(seen).toEqual([100, 200, 1300])
})

describe('a record for a computed topic that is being looked up', () => {
  const TOO_LARGE = new StreamsError('RECORD_TOO_LARGE', 'It is larger than a request.')
  const computed = () =>
    topologyOf([
      source('in', ['input'], ['p']),
      processor('p', ['in'], ['out'], () => new Forwarding()),
      { ...sink('out', ['p'], ''), topic: () => 'computed' } as ReturnType<typeof sink>
    ])

  /** Three records; their topic, once it is found, refuses the second. */
  async function openRefusing(onProductionError: ErrorHandlers['onProductionError'], fails?: Error) {
    const output = new ListAppender('computed', value => {
      if (value === '1') throw TOO_LARGE
    })
    const dead = new ListAppender('dead')
    const producer = {
      cachedTopic: (name: string) => (name === 'dead' ? dead : undefined),
      topic: async () => {
        if (fails !== undefined) throw fails
        return output
      }
    } as unknown as NonNullable<TaskBenchOptions['producer']>
    const readers = [new ListReader('input', [10, 20, 30])]
    const handlers = { onProductionError, deadLetterTopic: 'dead' }
    const { task } = await openTask(computed(), { readers, producer, handlers })
    processAll(task)
    return { task, output, dead }
  }

  test('is the handler’s when it is refused, with the input record that it came of, and the others are written', async () => {
    const failures: unknown[] = []
    const { task, output } = await openRefusing(({ error, node, topic, offset, timestampMs, key, value }) => {
      failures.push([error.code, node, topic, offset, timestampMs, String(key), String(value)])
      return 'continue'
    })
    await task.prepareCommit()
    expect(output.values).toEqual(['0', '2'])
    expect(failures).toEqual([['RECORD_PRODUCE_FAILED', 'out', 'input', 1, 20, 'k', '1']])
  })

  test('goes to the dead-letter topic as it came', async () => {
    const { task, dead } = await openRefusing('dead-letter')
    await task.prepareCommit()
    expect(dead.values).toEqual(['1'])
  })

  test('fails the commit when the handler says so', async () => {
    const { task } = await openRefusing('fail')
    await expect(task.prepareCommit()).rejects.toMatchObject({ code: 'RECORD_PRODUCE_FAILED', cause: TOO_LARGE })
  })

  test('is no business of the handler when there is no such topic', async () => {
    const missing = new StreamsError('TOPIC_MISSING', 'There is none.')
    const { task } = await openRefusing('continue', missing)
    await expect(task.prepareCommit()).rejects.toBe(missing)
  })
})

test('the error that a producer has failed with is not taken for that of each record after it', async () => {
  const failure = new StreamsError('RECORD_TOO_LARGE', 'Of an earlier record.')
  const asked: unknown[] = []
  const output = new ListAppender('output', () => {
    throw failure
  })
  const { task } = await openTask(forwarding(), {
    readers: [new ListReader('input', [1, 2])],
    appenders: [output],
    producer: { error: failure },
    handlers: {
      onProductionError: ({ error }) => {
        asked.push(error)
        return 'continue'
      }
    }
  })
  expect(() => processAll(task)).toThrow(failure)
  expect(asked).toEqual([])
})

test.each(['continue', 'dead-letter'] as const)(
  'a record that is too large for a repartition topic fails, whatever the handlers say (%s)',
  async response => {
    const output = new ListAppender('app-by-key-repartition', value => {
      if (value === '1') throw new StreamsError('RECORD_TOO_LARGE', 'It is larger than a request.')
    })
    const { task } = await openTask(
      topologyOf([
        source('in', ['input'], ['p']),
        processor('p', ['in'], ['out'], () => new Forwarding()),
        sink('out', ['p'], `${INTERNAL_PREFIX}by-key-repartition`)
      ]),
      {
        readers: [new ListReader('input', [10, 20, 30])],
        appenders: [output],
        handlers: { onProductionError: response, onProcessingError: response, deadLetterTopic: 'dead' }
      }
    )
    expect(() => processAll(task)).toThrow(
      expect.objectContaining({
        code: 'RECORD_TOO_LARGE',
        message: expect.stringMatching(/'out'.*'app-by-key-repartition'.*max\.message\.bytes/)
      })
    )
    expect(output.values).toEqual(['0'])
  }
)
