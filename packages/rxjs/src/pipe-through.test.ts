import { json, StreamsBuilder, string } from '@millrace/streams'
import { isStreamsError } from '@millrace/streams/core'
import { TopologyTestDriver } from '@millrace/testing'
import {
  bufferCount,
  catchError,
  concatMap,
  debounceTime,
  delay,
  distinctUntilChanged,
  filter,
  from,
  last,
  map,
  mergeMap,
  of,
  type OperatorFunction,
  pairwise,
  pipe,
  reduce,
  scan,
  shareReplay,
  startWith,
  take,
  throttleTime,
  toArray
} from 'rxjs'
import { describe, expect, test } from 'vitest'
import { pipeThrough, type PipeThroughOptions } from './pipe-through.ts'

const serdes = { key: string(), value: json<number>() }

async function open<VR>(
  operator: OperatorFunction<number, VR>,
  options: PipeThroughOptions = {},
  handlers: object = {}
) {
  const builder = new StreamsBuilder()
  pipeThrough(builder.stream('in', serdes), operator, options).to('out', { value: json<VR>() })
  const driver = await TopologyTestDriver.open(builder.build(), { handlers })
  return { driver, input: driver.inputTopic('in', serdes), output: driver.outputTopic('out', serdes) }
}

/** What the driver throws for these values, one after the other; undefined when nothing. */
async function errorOf(operator: OperatorFunction<number, unknown>, values: readonly number[] = [1, 2, 3]) {
  const { driver, input, output } = await open(operator)
  await using _ = driver
  for (const value of values) {
    output.readKeyValues()
    try {
      input.pipe('k', value, 0)
    } catch (error) {
      expect(output.readKeyValues(), 'forwarded of the record that fails').toEqual([])
      return error
    }
  }
  return undefined
}

describe('pipeThrough', () => {
  test('passes on what is emitted for a record, in order, with its key, timestamp and headers', async () => {
    const { driver, input, output } = await open(
      pipe(
        filter((n: number) => n !== 2),
        mergeMap(n => [n, n * 10])
      )
    )
    await using _ = driver
    const headers = [['trace', Buffer.from('7')]] as const
    input.pipe('a', 1, 5, headers)
    input.pipe('b', 2, 6)
    input.pipe('c', 3, 7)
    expect(output.readRecords().map(({ key, value, timestampMs }) => [key, value, timestampMs])).toEqual([
      ['a', 1, 5],
      ['a', 10, 5],
      ['c', 3, 7],
      ['c', 30, 7]
    ])
    input.pipe('a', 1, 5, headers)
    expect(output.readRecords()[0]?.headers).toEqual(headers)
  })

  test('gives null values to the operators', async () => {
    const { driver, input, output } = await open(map((n: number | null) => (n === null ? -1 : n)))
    await using _ = driver
    input.pipe('a', null, 0)
    expect(output.readKeyValues()).toEqual([['a', -1]])
  })

  test('leaves the partitioning: grouping needs no repartition topic', async () => {
    const builder = new StreamsBuilder()
    pipeThrough(
      builder.stream('in', serdes),
      map(n => n + 1)
    )
      .groupByKey({ value: json<number>() })
      .count({ store: 'counts' })
    const [sub, ...others] = builder.build().subTopologies
    expect(others).toEqual([])
    expect(sub?.repartitionSources).toEqual([])
  })

  test('lets what is emitted while an error is caught belong to the record', async () => {
    const { driver, input, output } = await open(
      mergeMap((n: number) =>
        of(n).pipe(
          map(value => {
            if (value === 2) throw new Error('two')
            return value
          }),
          catchError(() => of(-1))
        )
      )
    )
    await using _ = driver
    input.pipe('a', 1, 0)
    input.pipe('a', 2, 0)
    expect(output.readKeyValues()).toEqual([
      ['a', 1],
      ['a', -1]
    ])
  })

  test('takes what an operator throws for an error of the record', async () => {
    const failing = map((n: number) => {
      if (n === 2) throw new Error('two')
      return n
    })
    const stopping = await open(failing)
    await using _ = stopping.driver
    expect(() => stopping.input.pipe('a', 2, 0)).toThrow(
      expect.objectContaining({ code: 'RECORD_PROCESS_FAILED', cause: expect.objectContaining({ message: 'two' }) })
    )
    const { driver, input, output } = await open(failing, {}, { onProcessingError: 'continue' })
    await using __ = driver
    for (const value of [1, 2, 3]) input.pipe('a', value, 0)
    expect(output.readKeyValues()).toEqual([
      ['a', 1],
      ['a', 3]
    ])
  })

  test('forwards nothing of a record whose operators fail after they have emitted', async () => {
    const { driver, input, output } = await open(
      mergeMap((n: number) => from([n, 0]).pipe(map(value => (value === 0 ? JSON.parse('{') : value)))),
      {},
      { onProcessingError: 'continue' }
    )
    await using _ = driver
    input.pipe('a', 1, 0)
    expect(output.readKeyValues()).toEqual([])
  })

  test('lets what is thrown below reach the task', async () => {
    const builder = new StreamsBuilder()
    pipeThrough(
      builder.stream('in', serdes),
      map(n => n)
    ).foreach(() => {
      throw new Error('below')
    })
    await using driver = await TopologyTestDriver.open(builder.build())
    expect(() => driver.inputTopic('in', serdes).pipe('a', 1, 0)).toThrow(/below/)
  })

  test('gives the same after a restart as without', async () => {
    const values = [1, 5, 2, 2, 7]
    const run = async (restartAt: number) => {
      const { driver, input, output } = await open(
        pipe(
          map((n: number) => n * 2),
          concatMap(n => [n, n + 1])
        )
      )
      await using _ = driver
      for (const [index, value] of values.entries()) {
        if (index === restartAt) await driver.restart()
        input.pipe('a', value, index)
      }
      return output.readKeyValues()
    }
    const expected = await run(-1)
    expect(expected).toHaveLength(10)
    for (let at = 1; at < values.length; at++) expect(await run(at)).toEqual(expected)
  })

  test('refuses what is no operator, and options that do not exist', () => {
    const stream = new StreamsBuilder().stream('in', serdes)
    expect(() => pipeThrough(stream, undefined as never)).toThrow(expect.objectContaining({ code: 'TOPOLOGY_INVALID' }))
    expect(() => pipeThrough(stream, map(String), { nam: 'x' } as never)).toThrow(
      expect.objectContaining({ code: 'CONFIG_UNKNOWN_OPTION' })
    )
    expect(() => pipeThrough(stream, map(String), { checkedRecords: -1 })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' })
    )
  })
})

describe('an emission at another time ends the application at its record', () => {
  test.each<[string, OperatorFunction<number, unknown>, RegExp]>([
    ['delay', delay(1), /wait for something/],
    ['a promise', mergeMap(n => Promise.resolve(n)), /wait for something/],
    ['startWith', startWith(0), /before the value/],
    ['toArray', toArray(), /source had completed/],
    ['reduce', reduce((sum: number, n: number) => sum + n), /source had completed/],
    ['last', last(), /source had completed/],
    ['bufferCount', bufferCount(2), /source had completed/],
    ['debounceTime', debounceTime(5), /source had completed/],
    ['shareReplay', pipe(shareReplay(1)), /before the value/]
  ])('%s', async (_name, operator, message) => {
    const error = await errorOf(operator)
    expect(isStreamsError(error, 'RXJS_EMITTED_LATE')).toBe(true)
    expect((error as Error).message).toMatch(message)
    expect((error as Error).message).toContain('aggregate()')
  })

  test('whatever the handler of processing errors says', async () => {
    const { driver, input } = await open(delay(1), {}, { onProcessingError: 'continue' })
    await using _ = driver
    expect(() => input.pipe('a', 1, 0)).toThrow(expect.objectContaining({ code: 'RXJS_EMITTED_LATE' }))
  })
})

describe('state is refused, and the error says where it belongs', () => {
  test.each<[string, OperatorFunction<number, unknown>, readonly number[]]>([
    ['a sum by scan', scan((sum, n) => sum + n, 0), [1]],
    ['a maximum by scan', scan((max, n) => Math.max(max, n), 0), [3, 5, 4]],
    ['a counter by scan', scan(count => count + 1, 0), [0]],
    ['distinctUntilChanged', distinctUntilChanged(), [1]],
    ['pairwise', pairwise(), [1]],
    ['take', take(1), [1]],
    ['throttleTime', throttleTime(1000), [1]]
  ])('%s', async (_name, operator, values) => {
    const error = await errorOf(operator, values)
    expect(isStreamsError(error, 'RXJS_STATE_CARRIED')).toBe(true)
    expect((error as Error).message).toContain('aggregate()')
  })

  test('but not what gives something else each time anyhow', async () => {
    let count = 0
    expect(await errorOf(map(n => n + count++))).toBeUndefined()
  })

  test('nor what follows a value that fails', async () => {
    const { driver, input, output } = await open(
      map((n: number) => {
        if (n === 1) throw new Error('one')
        return n
      }),
      {},
      { onProcessingError: 'continue' }
    )
    await using _ = driver
    for (const value of [1, 2, 1, 3]) input.pipe('a', value, 0)
    expect(output.readKeyValues()).toEqual([
      ['a', 2],
      ['a', 3]
    ])
  })

  test('and has no effect where it is not looked for', async () => {
    const { driver, input, output } = await open(
      scan((sum: number, n: number) => sum + n, 0),
      { checkedRecords: 0 }
    )
    await using _ = driver
    for (const value of [1, 2, 3]) input.pipe('a', value, 0)
    await driver.restart()
    input.pipe('a', 4, 0)
    expect(output.readKeyValues().map(([, value]) => value)).toEqual([1, 2, 3, 4])
  })

  test('functions are called once for each record that is not checked', async () => {
    let calls = 0
    const counted = map((n: number) => {
      calls++
      return n
    })
    const { driver, input } = await open(counted, { checkedRecords: 2 })
    await using _ = driver
    for (let n = 0; n < 10; n++) input.pipe('a', n, 0)
    // A checked record: once itself, twice behind the one before it.
    expect(calls).toBe(2 * 3 + 8)
  })
})
