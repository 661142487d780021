import { json, StreamsBuilder, string, tumbling, untilWindowCloses } from '@millrace/streams'
import { TopologyTestDriver } from '@millrace/testing'
import { filter, map, take } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { describe, expect, test } from 'vitest'
import { hold } from './emission.ts'
import { mapHeld } from './map-held.ts'
import { tableChanges } from './table-changes.ts'
import { type ObservedRecord, toObservable } from './to-observable.ts'

const serdes = { key: string(), value: json<number>() }

async function open() {
  const builder = new StreamsBuilder()
  const records$ = toObservable(builder.stream('in', serdes))
  const driver = await TopologyTestDriver.open(builder.build())
  return { driver, records$, input: driver.inputTopic('in', serdes) }
}

describe('toObservable', () => {
  test('emits each record while it is processed, with where it came from', async () => {
    const { driver, records$, input } = await open()
    await using _ = driver
    const seen: ObservedRecord<string, number>[] = []
    records$.subscribe(record => seen.push(record))
    const headers = [['trace', Buffer.from('7')]] as const
    input.pipe('a', 1, 5, headers)
    expect(seen).toEqual([
      { key: 'a', value: 1, timestampMs: 5, headers, source: { topic: 'in', partition: 0, offset: 0 } }
    ])
  })

  test('is hot: each subscriber gets what comes while it is subscribed', async () => {
    const { driver, records$, input } = await open()
    await using _ = driver
    const [first, second]: [number[], number[]] = [[], []]
    input.pipe('a', 1, 0)
    records$.pipe(take(2)).subscribe(({ value }) => first.push(value))
    input.pipe('a', 2, 0)
    const subscription = records$.subscribe(({ value }) => second.push(value))
    input.pipe('a', 3, 0)
    subscription.unsubscribe()
    input.pipe('a', 4, 0)
    expect([first, second]).toEqual([[2, 3], [3]])
  })

  test('goes on over a restart', async () => {
    const { driver, records$, input } = await open()
    await using _ = driver
    const seen: number[] = []
    records$.subscribe(({ value }) => seen.push(value))
    input.pipe('a', 1, 0)
    await driver.restart()
    input.pipe('a', 2, 0)
    expect(seen).toEqual([1, 2])
  })

  test('keeps the next record until the one before is let go', async () => {
    const { driver, records$, input } = await open()
    await using _ = driver
    const releases: (() => void)[] = []
    records$.subscribe(() => releases.push(hold()))
    for (const value of [1, 2, 3]) input.pipe('a', value, value)
    expect(releases).toHaveLength(1)
    releases[0]?.()
    await new Promise(resolve => setImmediate(resolve))
    driver.advanceWallClock(0)
    expect(releases).toHaveLength(2)
    releases[1]?.()
    await new Promise(resolve => setImmediate(resolve))
    driver.advanceWallClock(0)
    releases[2]?.()
    await driver.settle()
    expect(releases).toHaveLength(3)
  })

  test('commits a record only when it is let go', async () => {
    const { driver, records$, input } = await open()
    await using _ = driver
    const saved = Promise.withResolvers<void>()
    records$.pipe(mapHeld(() => saved.promise)).subscribe()
    input.pipe('a', 1, 0)
    const steps: string[] = []
    const committed = driver.commit().then(() => steps.push('committed'))
    await new Promise(resolve => setImmediate(resolve))
    steps.push('saved')
    saved.resolve()
    await committed
    expect(steps).toEqual(['saved', 'committed'])
  })

  test('does not wait any more when the subscriber that holds has gone', async () => {
    const { driver, records$, input } = await open()
    await using _ = driver
    const subscription = records$.pipe(mapHeld(() => new Promise(() => {}))).subscribe()
    input.pipe('a', 1, 0)
    const committed = driver.commit()
    subscription.unsubscribe()
    await committed
  })

  test('works under operators of time by their scheduler', async () => {
    const { driver, records$, input } = await open()
    await using _ = driver
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected))
    scheduler.run(({ cold, expectObservable }) => {
      const values$ = records$.pipe(
        filter(({ value }) => value > 1),
        map(({ value }) => value)
      )
      cold('ab|', { a: 1, b: 2 }).subscribe(value => input.pipe('k', value, value))
      expectObservable(values$.pipe(take(1))).toBe('-(x|)', { x: 2 })
    })
  })

  test('takes a name for its node, and no other option', () => {
    const builder = new StreamsBuilder()
    toObservable(builder.stream('in', serdes), { name: 'watched' })
    expect(builder.build().describe()).toContain('watched')
    expect(() => toObservable(builder.stream('other', serdes), { nam: 'x' } as never)).toThrow(
      expect.objectContaining({ code: 'CONFIG_UNKNOWN_OPTION' })
    )
  })
})

describe('tableChanges', () => {
  test('emits the rows of a table, and null for deleted ones', async () => {
    const builder = new StreamsBuilder()
    const seen: unknown[] = []
    tableChanges(builder.table('users', { ...serdes, store: 'users' })).subscribe(({ key, value }) =>
      seen.push([key, value])
    )
    await using driver = await TopologyTestDriver.open(builder.build())
    const input = driver.inputTopic('users', serdes)
    input.pipe('a', 1, 0)
    input.pipe('a', 2, 1)
    input.pipe('a', null, 2)
    expect(seen).toEqual([
      ['a', 1],
      ['a', 2],
      ['a', null]
    ])
  })

  test('emits windows once when they are closed, below suppress', async () => {
    const builder = new StreamsBuilder()
    const counts = builder
      .stream('in', serdes)
      .groupByKey()
      .windowedBy(tumbling(10))
      .count({ store: 'counts' })
      .suppress(untilWindowCloses())
    const seen: unknown[] = []
    tableChanges(counts).subscribe(({ key, value }) => seen.push([key.key, key.startMs, value]))
    await using driver = await TopologyTestDriver.open(builder.build())
    const input = driver.inputTopic('in', serdes)
    for (const timestampMs of [1, 2, 11, 25]) input.pipe('a', 1, timestampMs)
    expect(seen).toEqual([
      ['a', 0, 2],
      ['a', 10, 1]
    ])
  })
})
