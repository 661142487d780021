import { TopologyTestDriver } from '@millrace/testing'
import { describe, expect, test } from 'vitest'
import {
  isStreamsError,
  type Serde,
  type SerdeContext,
  type SerdeUse,
  serdeNotReady,
  string,
  tumbling
} from '../core/index.ts'
import { StreamsBuilder } from '../dsl/index.ts'

/** Texts that can be read and written once their first letter was learnt; asking for it is answered when the test says so. */
class LearningSerde implements Serde<string> {
  readonly name = 'learning'
  readonly prepared: string[] = []
  readonly known: Set<string>
  readonly asked: string[] = []
  #answer: () => void = () => {}
  failing: Error | undefined

  constructor(known = '') {
    this.known = new Set(known)
  }

  async prepare({ topic, isKey }: SerdeContext, use: SerdeUse): Promise<void> {
    this.prepared.push(`${use} ${isKey ? 'key' : 'value'} of ${topic}`)
    if (this.failing !== undefined) throw this.failing
  }

  answer(letter: string): void {
    this.known.add(letter)
    this.#answer()
  }

  /** Ends the wait, and nothing was learnt. */
  answerNothing(): void {
    this.#answer()
  }

  serialize(value: string): Uint8Array {
    this.#require(value)
    return Buffer.from(value)
  }

  deserialize(bytes: Uint8Array): string {
    const text = Buffer.from(bytes).toString()
    this.#require(text)
    return text
  }

  #require(text: string): void {
    const letter = text[0] as string
    if (this.known.has(letter)) return
    this.asked.push(letter)
    const ready = new Promise<void>(resolve => {
      this.#answer = resolve
    })
    throw serdeNotReady(`The letter '${letter}' is not known yet.`, ready)
  }
}

const serdes = { key: string(), value: string() }

function passThrough(value: Serde<string>, topics: string[] = ['in']) {
  const builder = new StreamsBuilder()
  for (const topic of topics) {
    builder.stream(topic, { key: string(), value }).to('out', serdes)
  }
  return builder.build()
}

describe('a record whose serde is not ready', () => {
  test('stays where it is, and is read again when the serde is ready', async () => {
    const learning = new LearningSerde('a')
    await using driver = await TopologyTestDriver.open(passThrough(learning))
    const input = driver.inputTopic('in', serdes)
    const output = driver.outputTopic('out', serdes)
    input.pipe('k:a1@1 k:b1@2 k:a2@3')
    expect(output.readText()).toBe('k:a1@1ms')
    expect(learning.asked).toEqual(['b'])

    learning.answer('b')
    await driver.settle()
    expect(output.readText()).toBe('k:b1@2ms k:a2@3ms')
  })

  test('is asked for again as often as it takes, and no handler hears of it', async () => {
    const learning = new LearningSerde()
    const failed: string[] = []
    const onDeserializationError = ({ error }: { error: Error }) => {
      failed.push(error.message)
      return 'continue' as const
    }
    await using driver = await TopologyTestDriver.open(passThrough(learning), { handlers: { onDeserializationError } })
    const output = driver.outputTopic('out', serdes)
    driver.inputTopic('in', serdes).pipe('k:b1@1')
    const settled = driver.settle()
    learning.answerNothing()
    await Promise.resolve().then(() => {})
    while (learning.asked.length < 2) await Promise.resolve()
    learning.answer('b')
    await settled
    expect(learning.asked).toEqual(['b', 'b'])
    expect(output.readText()).toBe('k:b1@1ms')
    expect(failed).toEqual([])
  })

  test('is not passed by a commit: a restart reads it', async () => {
    const learning = new LearningSerde('a')
    await using driver = await TopologyTestDriver.open(passThrough(learning))
    const output = driver.outputTopic('out', serdes)
    driver.inputTopic('in', serdes).pipe('k:a1@1 k:b1@2 k:a2@3')
    await driver.commit()
    learning.known.add('b')
    learning.answerNothing()
    await driver.restart()
    expect(output.readText()).toBe('k:a1@1ms k:b1@2ms k:a2@3ms')
  })

  test('is not overtaken by a later one of another topic', async () => {
    const learning = new LearningSerde()
    const builder = new StreamsBuilder()
    const late = builder.stream('late', { key: string(), value: learning })
    builder.stream('early', serdes).merge(late).to('out', serdes)
    await using driver = await TopologyTestDriver.open(builder.build())
    const output = driver.outputTopic('out', serdes)
    driver.inputTopic('late', serdes).pipe('k:b1@1')
    driver.inputTopic('early', serdes).pipe('k:x@2')
    expect(output.size).toBe(0)
    learning.answer('b')
    await driver.settle()
    expect(output.readText()).toBe('k:b1@1ms k:x@2ms')
  })

  test('of a global table is waited for, while joins go on with what is there', async () => {
    const learning = new LearningSerde('a')
    const builder = new StreamsBuilder()
    const table = builder.globalTable('names', { key: string(), value: learning })
    builder
      .stream('in', serdes)
      .leftJoin(
        table,
        key => key,
        (value, name) => `${value}+${name}`
      )
      .to('out', serdes)
    await using driver = await TopologyTestDriver.open(builder.build())
    const output = driver.outputTopic('out', serdes)
    driver.inputTopic('names', serdes).pipe('k:a1@1 k:b1@1')
    driver.inputTopic('in', serdes).pipe('k:v@2')
    expect(output.readText()).toBe('k:v+a1@2ms')
    learning.answer('b')
    await driver.settle()
    driver.inputTopic('in', serdes).pipe('k:v@3')
    expect(output.readText()).toBe('k:v+b1@3ms')
  })

  test('of a source that is a changelog is waited for while restoring', async () => {
    const topology = (value: Serde<string>) => {
      const builder = new StreamsBuilder()
      builder.table('names', { key: string(), value, store: 'names-store' })
      return builder.build({ optimization: 'all' })
    }
    await using driver = await TopologyTestDriver.open(topology(string()))
    driver.inputTopic('names', serdes).pipe('k:a1@1 l:b1@2 m:a2@3')
    const learning = new LearningSerde('a')
    const restarted = driver.restart({ topology: topology(learning), disk: 'lost' })
    while (learning.asked.length === 0) await new Promise<void>(resolve => void setImmediate(resolve))
    learning.answer('b')
    await restarted
    expect((await driver.snapshot())['names-store']).toEqual({ k: 'a1', l: 'b1', m: 'a2' })
  })
})

describe('before the first record', () => {
  test('serdes are told what they will be used for', async () => {
    const key = new LearningSerde('k')
    const value = new LearningSerde('v')
    const builder = new StreamsBuilder()
    builder
      .stream('in', { key, value })
      .groupByKey({ key, value })
      .windowedBy(tumbling('1m'))
      .reduce(before => before, { store: 'firsts' })
      .toStream()
      .to('out')
    await using driver = await TopologyTestDriver.open(builder.build())
    expect(key.prepared).toEqual(['read key of in', 'write key of out', 'read-write key of test-firsts-changelog'])
    expect(value.prepared).toEqual([
      'read value of in',
      'write value of out',
      'read-write value of test-firsts-changelog'
    ])
    await driver.restart()
    expect(key.prepared).toHaveLength(6)
  })

  test('what their preparing fails with is what starting fails with', async () => {
    const learning = new LearningSerde()
    learning.failing = new Error('nobody there')
    await expect(TopologyTestDriver.open(passThrough(learning))).rejects.toThrow('nobody there')
  })
})

describe('a record for a topic whose name is computed, whose serde is not ready', () => {
  /** Values `a1` go to topic `a`, and twice. */
  const dispatched = async (learning: LearningSerde) => {
    const builder = new StreamsBuilder()
    builder
      .stream('in', serdes)
      .flatMapValues(value => [value, `${value}!`])
      .to((_key, value) => value[0] as string, { value: learning })
    return await TopologyTestDriver.open(builder.build(), { handlers: { onProductionError: 'continue' } })
  }

  test('is written once it is, in order, while its task waits', async () => {
    const learning = new LearningSerde('c')
    await using driver = await dispatched(learning)
    const input = driver.inputTopic('in', serdes)
    input.pipe('k:a1@1 k:b1@2 k:c1@3 k:a2@4')
    const read = (topic: string) => driver.outputTopic(topic, serdes).readText()
    expect([read('a'), read('b'), read('c')]).toEqual(['', '', ''])
    const settled = driver.settle()
    learning.answer('a')
    while (!learning.asked.includes('b')) await new Promise<void>(resolve => void setImmediate(resolve))
    learning.answer('b')
    await settled
    expect([read('a'), read('b'), read('c')]).toEqual([
      'k:a1@1ms k:a1!@1ms k:a2@4ms k:a2!@4ms',
      'k:b1@2ms k:b1!@2ms',
      'k:c1@3ms k:c1!@3ms'
    ])
  })

  test('is waited for a few times, then the application goes back to its last commit', async () => {
    const learning = new LearningSerde()
    await using driver = await dispatched(learning)
    driver.inputTopic('in', serdes).pipe('k:a1@1')
    const settled = driver.settle().then(
      () => undefined,
      (error: unknown) => error
    )
    let error: unknown
    while (error === undefined) {
      learning.answerNothing()
      error = await Promise.race([settled, new Promise<void>(resolve => void setImmediate(resolve))])
    }
    expect(isStreamsError(error, 'SERDE_NOT_READY')).toBe(true)
    learning.known.add('a')
    await driver.restart()
    expect(driver.outputTopic('a', serdes).readText()).toBe('k:a1@1ms k:a1!@1ms')
  })
})

test('a store, a sink and a processor whose serde is not ready say so, past the handlers', async () => {
  const learning = new LearningSerde('a')
  const builder = new StreamsBuilder()
  builder
    .stream('in', serdes)
    .groupByKey()
    .reduce((_, next) => next, { store: 'lasts', value: learning })
  builder.stream('in', serdes).to('out', { value: learning })
  await using driver = await TopologyTestDriver.open(builder.build(), {
    handlers: { onProcessingError: 'continue', onProductionError: 'continue' }
  })
  const input = driver.inputTopic('in', serdes)
  input.pipe('k:a1@1')
  let thrown: unknown
  try {
    input.pipe('k:b1@2')
  } catch (error) {
    thrown = error
  }
  expect(isStreamsError(thrown, 'SERDE_NOT_READY')).toBe(true)
  learning.known.add('b')
  await driver.restart()
  expect((await driver.snapshot())['lasts']).toEqual({ k: 'b1' })
})
