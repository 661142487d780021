import { json, string } from '@millrace/streams'
import { type Serde, serdeNotReady } from '@millrace/streams/core'
import { concatMap, firstValueFrom, lastValueFrom, map, Subject, take, toArray } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { hold } from './emission.ts'
import { fromTopic, type FromTopicOptions } from './from-topic.ts'
import { mapHeld } from './map-held.ts'
import { EmbeddedKafka, SERDES, turns, until } from './test-support/embedded-kafka.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

async function valuesOf(kafka: EmbeddedKafka, options: FromTopicOptions): Promise<(number | null)[]> {
  const records$ = fromTopic(kafka.client, 't', SERDES, { until: 'end', ...options })
  return await lastValueFrom(
    records$.pipe(
      map(({ value }) => value),
      toArray()
    )
  )
}

describe('fromTopic', () => {
  test('gives records as they lie in the topic, and completes at the end', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 2 })
    await kafka.write('t', 0, [1, null])
    await kafka.write('t', 1, [3])
    const records = await lastValueFrom(
      fromTopic(kafka.client, 't', SERDES, { from: 'earliest', until: 'end' }).pipe(toArray())
    )
    expect(records.sort((a, b) => a.partition - b.partition || a.offset - b.offset)).toEqual([
      { topic: 't', partition: 0, offset: 0, key: 'k0', value: 1, timestampMs: 0, headers: [] },
      { topic: 't', partition: 0, offset: 1, key: 'k0', value: null, timestampMs: 1, headers: [] },
      { topic: 't', partition: 1, offset: 0, key: 'k1', value: 3, timestampMs: 0, headers: [] }
    ])
  })

  test('completes at once at the end of an empty topic', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 3 })
    expect(await valuesOf(kafka, { from: 'earliest' })).toEqual([])
  })

  test('begins where it is told', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 2 })
    await kafka.write('t', 0, [0, 1, 2, 3])
    await kafka.write('t', 1, [10, 11])
    expect(await valuesOf(kafka, { from: 'latest' })).toEqual([])
    expect((await valuesOf(kafka, { from: { timestampMs: 2 } })).sort()).toEqual([2, 3])
    expect(await valuesOf(kafka, { from: { offsets: [{ partition: 0, offset: 3 }] } })).toEqual([3])
  })

  test('from the end gives what is written after the subscription', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    await kafka.write('t', 0, [1])
    const first = firstValueFrom(fromTopic(kafka.client, 't', SERDES))
    await until(() => kafka.fetchers.length > 0)
    await kafka.write('t', 0, [2])
    expect((await first).value).toBe(2)
  })

  test('gives every record once and in the order of its partition, of many', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 3 })
    for (const partition of [0, 1, 2]) await kafka.write('t', partition, numbers(5_000))
    const seen: (number | null)[][] = [[], [], []]
    await lastValueFrom(
      fromTopic(kafka.client, 't', SERDES, { from: 'earliest', until: 'end' }).pipe(
        map(({ partition, value }) => seen[partition]?.push(value))
      )
    )
    expect(seen).toEqual([numbers(5_000), numbers(5_000), numbers(5_000)])
  })

  test('reads for each subscription by itself', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    await kafka.write('t', 0, [1, 2])
    const records$ = fromTopic(kafka.client, 't', SERDES, { from: 'earliest', until: 'end' })
    const counts = await Promise.all([1, 2].map(async () => (await lastValueFrom(records$.pipe(toArray()))).length))
    expect(counts).toEqual([2, 2])
  })
})

describe('unsubscribing', () => {
  test('ends the consumption, from within next too', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    await kafka.write('t', 0, numbers(1_000))
    const seen = await lastValueFrom(
      fromTopic(kafka.client, 't', SERDES, { from: 'earliest' }).pipe(take(3), toArray())
    )
    expect(seen.map(({ value }) => value)).toEqual([0, 1, 2])
    const [fetcher] = kafka.fetchers
    await until(() => fetcher?.bufferedBytes === 0)
    const fetched: number[] = []
    const subscription = fromTopic(kafka.client, 't', SERDES, { from: 'earliest' }).subscribe(({ offset }) =>
      fetched.push(offset)
    )
    await until(() => fetched.length > 0)
    subscription.unsubscribe()
    const before = fetched.length
    await kafka.write('t', 0, [1])
    await turns(20)
    expect(fetched).toHaveLength(before)
  })

  test('before anything was connected leaves nothing behind', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    fromTopic(kafka.client, 't', SERDES).subscribe().unsubscribe()
    await turns(50)
    expect(kafka.fetchers).toEqual([])
  })
})

describe('a slow subscriber', () => {
  test('gets no more than it may hold in records, and the partitions are paused', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 2 })
    for (const partition of [0, 1]) for (let i = 0; i < 8; i++) await kafka.write('t', partition, numbers(25_000))
    const maxBufferedBytes = 64 * 1024
    const releases: (() => void)[] = []
    const subscription = fromTopic(kafka.client, 't', SERDES, {
      from: 'earliest',
      maxHeldRecords: 100,
      maxBufferedBytes
    }).subscribe(() => releases.push(hold()))
    await until(() => releases.length === 100)
    await turns(300)
    expect(releases).toHaveLength(100)
    // All that is fetched ahead is the bound and one fetch, of a topic many times as large.
    const buffered = kafka.fetchers[0]?.bufferedBytes ?? 0
    expect(buffered).toBeGreaterThan(0)
    expect(buffered).toBeLessThan(maxBufferedBytes + 2 * 1024 * 1024)
    const later: number[] = []
    for (let i = 0; i < 20; i++) {
      await turns(20)
      later.push(kafka.fetchers[0]?.bufferedBytes ?? 0)
    }
    expect(new Set(later).size, 'the partitions are paused').toBe(1)
    for (const release of releases.splice(0, 40)) release()
    await until(() => releases.length === 100)
    await turns(50)
    expect(releases).toHaveLength(100)
    subscription.unsubscribe()
  })

  test('gets no more than it may hold in bytes', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    await kafka.write('t', 0, Array<number>(100).fill(12345678))
    let held = 0
    const subscription = fromTopic(kafka.client, 't', SERDES, { from: 'earliest', maxHeldBytes: 35 }).subscribe(() => {
      hold()
      held++
    })
    await until(() => held > 0)
    await turns(100)
    // 10 bytes each: the fourth is the first to go beyond.
    expect(held).toBe(4)
    subscription.unsubscribe()
  })

  test('by mapHeld gets every record, and never more than the bound at a time', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    await kafka.write('t', 0, numbers(500))
    let given = 0
    let done = 0
    let most = 0
    const values = await lastValueFrom(
      fromTopic(kafka.client, 't', SERDES, { from: 'earliest', until: 'end', maxHeldRecords: 10 }).pipe(
        map(record => {
          most = Math.max(most, ++given - done)
          return record
        }),
        mapHeld(async ({ value }) => {
          await turns(1)
          done++
          return value
        }),
        toArray()
      )
    )
    expect(values).toEqual(numbers(500))
    expect(most).toBe(10)
  })

  test('is not known of below operators with a queue of their own', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    await kafka.write('t', 0, numbers(200))
    const never = new Subject<void>()
    let given = 0
    const subscription = fromTopic(kafka.client, 't', SERDES, { from: 'earliest', maxHeldRecords: 10 })
      .pipe(
        map(() => given++),
        concatMap(() => never)
      )
      .subscribe()
    await until(() => given === 200)
    subscription.unsubscribe()
  })
})

describe('errors', () => {
  const errorOf = async (kafka: EmbeddedKafka, topic: string, options: FromTopicOptions = {}) =>
    await lastValueFrom(fromTopic(kafka.client, topic, SERDES, { until: 'end', ...options })).catch(error => error)

  test('name a topic that does not exist', async () => {
    await using kafka = await EmbeddedKafka.start({})
    expect(await errorOf(kafka, 'nowhere')).toMatchObject({
      code: 'TOPIC_MISSING',
      message: expect.stringContaining("'nowhere'")
    })
  })

  test('name the partition and offset of a record that cannot be read', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    await kafka.write('t', 0, [1, Buffer.from('{'), 3])
    expect(await errorOf(kafka, 't', { from: 'earliest' })).toMatchObject({
      code: 'RECORD_DESERIALIZE_FAILED',
      details: { topic: 't', partition: 0, offset: 1, part: 'value' }
    })
    expect(await valuesOf(kafka, { from: 'earliest', onDeserializationError: 'continue' })).toEqual([1, 3])
    const told: unknown[] = []
    const onDeserializationError = (error: { details: object }) => {
      told.push(error.details)
      return 'continue' as const
    }
    expect(await valuesOf(kafka, { from: 'earliest', onDeserializationError })).toEqual([1, 3])
    expect(told).toHaveLength(1)
  })

  test('tell of offsets that are not there', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    await kafka.write('t', 0, [1])
    const records$ = fromTopic(kafka.client, 't', SERDES, { from: { offsets: [{ partition: 0, offset: 7 }] } })
    await expect(firstValueFrom(records$)).rejects.toMatchObject({ code: 'CLIENT_OFFSET_OUT_OF_RANGE' })
    const unknown$ = fromTopic(kafka.client, 't', SERDES, { from: { offsets: [{ partition: 3, offset: 0 }] } })
    await expect(firstValueFrom(unknown$)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test('tell that the connection was closed', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    const first = firstValueFrom(fromTopic(kafka.client, 't', SERDES))
    const caught = first.catch((error: unknown) => error)
    await until(() => kafka.fetchers.length > 0)
    await kafka.client.close()
    expect(await caught).toMatchObject({ code: 'CLIENT_CLOSED' })
  })

  test.each([{ maxHeldRecords: 0 }, { maxHeldBytes: -1 }, { maxBufferedBytes: 1.5 }])('refuse %o', async options => {
    await using kafka = await EmbeddedKafka.start({})
    expect(() => fromTopic(kafka.client, 't', SERDES, options)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' })
    )
    expect(() => fromTopic(kafka.client, 't', SERDES, { form: 'latest' } as never)).toThrow(/Did you mean 'from'/)
  })
})

test('a serde that has to wait is asked again for the same record', async () => {
  await using kafka = await EmbeddedKafka.start({ t: 1 })
  await kafka.write('t', 0, [1, 2, 3])
  const inner = json<number>()
  let known = false
  let refusals = 0
  const asking: Serde<number> = {
    ...inner,
    name: 'asking',
    serialize: (value, context) => inner.serialize(value, context),
    deserialize: (bytes, context) => {
      const value = inner.deserialize(bytes, context)
      if (value !== 2 || known) return value
      refusals++
      const asked = turns(1).then(() => {
        known = true
      })
      throw serdeNotReady('asks', asked)
    }
  }
  const { deserializeRange: _, ...value } = asking
  const records$ = fromTopic(kafka.client, 't', { key: string(), value }, { from: 'earliest', until: 'end' })
  const records = await lastValueFrom(records$.pipe(toArray()))
  expect(records.map(record => record.value)).toEqual([1, 2, 3])
  expect(refusals).toBe(1)
})
