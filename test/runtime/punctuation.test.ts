import type {
  Cancellable,
  Processor,
  ProcessorContext,
  Punctuator,
  PunctuationType,
  StreamRecord
} from '@millrace/streams/core'
import { TopologyTestDriver } from '@millrace/testing'
import { describe, expect, test } from 'vitest'
import { number, processor, sink, source, text, topologyOf } from './hand-made.ts'

const serdes = { key: text, value: number }

/** Forwards what it gets, and schedules. */
class Scheduling implements Processor<string | null, number | null, unknown, unknown> {
  readonly #type: PunctuationType
  readonly #punctuator: (context: ProcessorContext<unknown, unknown>) => Punctuator
  #context: ProcessorContext<unknown, unknown> | undefined
  schedule: Cancellable | undefined

  constructor(type: PunctuationType, punctuator: (context: ProcessorContext<unknown, unknown>) => Punctuator) {
    this.#type = type
    this.#punctuator = punctuator
  }

  init(context: ProcessorContext<unknown, unknown>): void {
    this.#context = context
    this.schedule = context.schedule(100, this.#type, this.#punctuator(context))
  }

  process(record: StreamRecord<string | null, number | null>): void {
    this.#context?.forward(record)
  }
}

const scheduling = (make: () => Scheduling) =>
  topologyOf([source('in', ['input'], ['p']), processor('p', ['in'], ['out'], make), sink('out', ['p'], 'output')])

const tick = (context: ProcessorContext<unknown, unknown>) => (timestampMs: number) =>
  context.forward({ key: 'tick', value: timestampMs, timestampMs, headers: [] })

describe('stream-time punctuations', () => {
  test('follow the record that moved the time past a multiple of the interval, once, with the current time', async () => {
    await using driver = await TopologyTestDriver.open(scheduling(() => new Scheduling('stream-time', tick)))
    const input = driver.inputTopic('input', serdes)
    for (const timestampMs of [30, 99, 100, 150, 730, 799, 800]) input.pipe('r', timestampMs, timestampMs)
    expect(driver.outputTopic('output', serdes).readKeyValues()).toEqual([
      ['r', 30],
      ['tick', 30],
      ['r', 99],
      ['r', 100],
      ['tick', 100],
      ['r', 150],
      ['r', 730],
      ['tick', 730],
      ['r', 799],
      ['r', 800],
      ['tick', 800]
    ])
  })

  test('end when they are cancelled, also from within', async () => {
    await using driver = await TopologyTestDriver.open(
      scheduling(() => {
        const made: Scheduling = new Scheduling('stream-time', context => timestampMs => {
          tick(context)(timestampMs)
          made.schedule?.cancel()
        })
        return made
      })
    )
    const input = driver.inputTopic('input', serdes)
    for (const timestampMs of [0, 100, 200]) input.pipe('r', timestampMs, timestampMs)
    expect(
      driver
        .outputTopic('output', serdes)
        .readKeyValues()
        .filter(([key]) => key === 'tick')
    ).toEqual([['tick', 0]])
  })
})

describe('wall-clock punctuations', () => {
  test('come an interval after the start and keep their phase', async () => {
    await using driver = await TopologyTestDriver.open(
      scheduling(() => new Scheduling('wall-clock', tick)),
      {
        startWallClockMs: 7
      }
    )
    const output = driver.outputTopic('output', serdes)
    driver.advanceWallClock(99)
    expect(output.readKeyValues()).toEqual([])
    driver.advanceWallClock(1)
    expect(output.readKeyValues()).toEqual([['tick', 107]])
    driver.advanceWallClock(250)
    expect(output.readKeyValues()).toEqual([['tick', 357]])
    driver.advanceWallClock(50)
    expect(output.readKeyValues()).toEqual([['tick', 407]])
  })
})

describe('an asynchronous punctuation', () => {
  test('occupies its task until it settles, and what it forwards comes before later records', async () => {
    let release: () => void = () => {}
    await using driver = await TopologyTestDriver.open(
      scheduling(
        () =>
          new Scheduling('stream-time', context => async timestampMs => {
            await new Promise<void>(resolve => {
              release = resolve
            })
            tick(context)(timestampMs)
          })
      )
    )
    const input = driver.inputTopic('input', serdes)
    const output = driver.outputTopic('output', serdes)
    input.pipe('r', 1, 1)
    input.pipe('r', 2, 2)
    expect(output.readKeyValues()).toEqual([['r', 1]])
    release()
    await driver.settle()
    expect(output.readKeyValues()).toEqual([
      ['tick', 1],
      ['r', 2]
    ])
  })

  test('that rejects stops the task as a record that fails would', async () => {
    await using driver = await TopologyTestDriver.open(
      scheduling(
        () =>
          new Scheduling('stream-time', () => async () => {
            throw new Error('no answer')
          })
      )
    )
    const input = driver.inputTopic('input', serdes)
    input.pipe('r', 1, 1)
    await expect(driver.settle()).rejects.toMatchObject({
      code: 'RECORD_PROCESS_FAILED',
      cause: { message: 'no answer' }
    })
  })
})

describe('punctuations that are due together', () => {
  /** Processors one after the other, each with a punctuator of its own. */
  const chain = (punctuators: readonly ((context: ProcessorContext<unknown, unknown>) => Punctuator)[]) =>
    topologyOf([
      source('in', ['input'], ['p0']),
      ...punctuators.map((punctuator, index) =>
        processor(
          `p${index}`,
          [index === 0 ? 'in' : `p${index - 1}`],
          [index + 1 === punctuators.length ? 'out' : `p${index + 1}`],
          () => new Scheduling('wall-clock', punctuator)
        )
      ),
      sink('out', [`p${punctuators.length - 1}`], 'output')
    ])
  const telling = (name: string) => (context: ProcessorContext<unknown, unknown>) => (timestampMs: number) =>
    context.forward({ key: name, value: timestampMs, timestampMs, headers: [] })
  const turn = () => new Promise<void>(resolve => setImmediate(resolve))
  const asking =
    (name: string): ((context: ProcessorContext<unknown, unknown>) => Punctuator) =>
    context =>
    async timestampMs => {
      telling(`${name} asks`)(context)(timestampMs)
      await turn()
      telling(`${name} knows`)(context)(timestampMs)
    }
  const waiting =
    (name: string): ((context: ProcessorContext<unknown, unknown>) => Punctuator) =>
    context =>
    timestampMs => {
      context.waitFor(turn().then(() => telling(`${name} knows`)(context)(timestampMs)))
    }

  test('are called one after the other, also those that have to be waited for', async () => {
    await using driver = await TopologyTestDriver.open(
      chain([asking('first'), telling('second'), waiting('third'), asking('fourth')])
    )
    const output = driver.outputTopic('output', serdes)
    driver.advanceWallClock(250)
    await driver.settle()
    driver.advanceWallClock(50)
    await driver.settle()
    const round = ['first asks', 'first knows', 'second', 'third knows', 'fourth asks', 'fourth knows']
    expect(output.readKeyValues()).toEqual([...round.map(key => [key, 250]), ...round.map(key => [key, 300])])
  })

  test('are all called before a commit', async () => {
    await using driver = await TopologyTestDriver.open(chain([asking('first'), asking('second')]))
    driver.advanceWallClock(100)
    await driver.commit()
    expect(driver.outputTopic('output', serdes).size).toBe(4)
  })

  test('are not called any more after one that stopped the task', async () => {
    const rejecting = () => async () => {
      await turn()
      throw new Error('no answer')
    }
    await using driver = await TopologyTestDriver.open(chain([rejecting, telling('second')]))
    driver.advanceWallClock(100)
    await expect(driver.settle()).rejects.toMatchObject({ cause: { message: 'no answer' } })
    expect(driver.outputTopic('output', serdes).size).toBe(0)
  })

  test('are not called when the one before cancelled them', async () => {
    const made: Scheduling[] = []
    const cancelling = () => async () => {
      await turn()
      made[0]?.schedule?.cancel()
    }
    await using driver = await TopologyTestDriver.open(
      topologyOf([
        source('in', ['input'], ['p', 'q']),
        processor('p', ['in'], ['out'], () => new Scheduling('wall-clock', cancelling)),
        processor('q', ['in'], ['out'], () => {
          const scheduling = new Scheduling('wall-clock', telling('second'))
          made.push(scheduling)
          return scheduling
        }),
        sink('out', ['p', 'q'], 'output')
      ])
    )
    driver.advanceWallClock(100)
    await driver.settle()
    expect(driver.outputTopic('output', serdes).size).toBe(0)
  })
})

test.each([0, -5])('refuses an interval of %d ms', async interval => {
  class Wrong implements Processor<unknown, unknown, unknown, unknown> {
    init(context: ProcessorContext<unknown, unknown>): void {
      context.schedule(interval, 'wall-clock', () => {})
    }
    process(): void {}
  }
  const topology = topologyOf([source('in', ['input'], ['p']), processor('p', ['in'], [], () => new Wrong())])
  await expect(TopologyTestDriver.open(topology)).rejects.toMatchObject({ code: 'DURATION_INVALID' })
})
