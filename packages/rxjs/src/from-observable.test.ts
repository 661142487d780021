import { string } from '@millrace/streams'
import { Observable, from, lastValueFrom, map, of, Subject, throwError, concat, toArray, range } from 'rxjs'
import { describe, expect, test } from 'vitest'
import {
  type DeliveryReport,
  fromObservable,
  type FromObservableOptions,
  type ProducerRecord
} from './from-observable.ts'
import { fromTopic } from './from-topic.ts'
import { EmbeddedKafka, SERDES, turns, until } from './test-support/embedded-kafka.ts'

type Reading = ProducerRecord<string, number>
const reading = (value: number, more: Partial<Reading> = {}): Reading => ({ key: 'k', value, ...more })

async function contentOf(kafka: EmbeddedKafka) {
  const records$ = fromTopic(kafka.client, 't', SERDES, { from: 'earliest', until: 'end' })
  return await lastValueFrom(records$.pipe(toArray()))
}

const valuesOf = async (kafka: EmbeddedKafka) => (await contentOf(kafka)).map(({ value }) => value)

function write(kafka: EmbeddedKafka, source: Parameters<typeof fromObservable<string, number>>[0], options = {}) {
  return fromObservable<string, number>(source, kafka.client, 't', SERDES, options as FromObservableOptions<Reading>)
}

describe('fromObservable', () => {
  test('writes key, value, timestamp and headers, to the partition that Java chooses or the one named', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 3 })
    const headers = [['h', Buffer.from('1')]] as const
    const source$ = of(
      { key: 'a', value: 1, timestampMs: 7, headers },
      { key: null, value: 2, timestampMs: 8, partition: 2 },
      { key: 'a', value: null, timestampMs: 9 }
    )
    const reports = await lastValueFrom(write(kafka, source$).pipe(toArray()))
    const [first, last] = (await contentOf(kafka)).filter(({ key }) => key === 'a')
    expect(first).toMatchObject({ value: 1, timestampMs: 7, headers })
    expect(last).toMatchObject({ value: null, partition: first?.partition, timestampMs: 9 })
    expect(reports.find(({ record }) => record.value === 2)).toMatchObject({ topic: 't', partition: 2, offset: 0 })
  })

  test('does nothing before it is subscribed to', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    let subscriptions = 0
    write(
      kafka,
      new Observable(() => {
        subscriptions++
      })
    )
    await turns(20)
    expect(subscriptions).toBe(0)
  })

  test('reports each record with the offset where it lies', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 2 })
    const source = Array.from({ length: 3_000 }, (_, value) => ({ key: `k${value % 50}`, value }))
    const reports = await lastValueFrom(write(kafka, source).pipe(toArray()))
    expect(reports).toHaveLength(3_000)
    const lying = new Map(
      (await contentOf(kafka)).map(({ partition, offset, value }) => [`${partition}@${offset}`, value])
    )
    for (const { partition, offset, record } of reports) expect(lying.get(`${partition}@${offset}`)).toBe(record.value)
    expect(lying.size).toBe(3_000)
  })

  test('reports what a source gives while it goes on', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    const source$ = new Subject<Reading>()
    const reports: DeliveryReport<Reading>[] = []
    const subscription = write(kafka, source$).subscribe(report => reports.push(report))
    source$.next(reading(1))
    await until(() => reports.length === 1)
    expect(await valuesOf(kafka)).toEqual([1])
    subscription.unsubscribe()
  })

  test('completes when the source has completed and all is written', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    expect(await lastValueFrom(write(kafka, []), { defaultValue: 'nothing' })).toBe('nothing')
    await lastValueFrom(write(kafka, range(0, 500).pipe(map(n => reading(n)))))
    expect(await valuesOf(kafka)).toHaveLength(500)
  })

  test('writes what came before the source failed, then gives its error', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    const reports: number[] = []
    const source$ = concat(
      of(reading(1), reading(2)),
      throwError(() => new Error('broken'))
    )
    const error = await new Promise(resolve => {
      write(kafka, source$).subscribe({ next: ({ record }) => reports.push(record.value as number), error: resolve })
    })
    expect(error).toMatchObject({ message: 'broken' })
    expect(reports).toEqual([1, 2])
    expect(await valuesOf(kafka)).toEqual([1, 2])
  })

  test('ends the source, and writes no more, when it is unsubscribed', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    const source$ = new Subject<Reading>()
    const reports: unknown[] = []
    const subscription = write(kafka, source$).subscribe(report => reports.push(report))
    source$.next(reading(1))
    await until(() => reports.length === 1)
    subscription.unsubscribe()
    expect(source$.observed).toBe(false)
    source$.next(reading(2))
    await turns(20)
    expect(await valuesOf(kafka)).toEqual([1])
  })
})

describe('back-pressure', () => {
  test('asks an iterable for no more than may be pending', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    let asked = 0
    let reported = 0
    let most = 0
    function* source() {
      for (let n = 0; n < 2_000; n++) {
        asked++
        most = Math.max(most, asked - reported)
        yield reading(n)
      }
    }
    await lastValueFrom(
      write(kafka, source(), { maxPendingRecords: 50 }).pipe(
        map(() => {
          reported++
        })
      )
    )
    expect(most).toBeLessThanOrEqual(51)
    expect(await valuesOf(kafka)).toEqual(Array.from({ length: 2_000 }, (_, n) => n))
  })

  test('asks an asynchronous iterable within the bytes, and ends it when unsubscribed', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    let asked = 0
    let ended = false
    async function* source() {
      try {
        for (;;) yield reading(asked++)
      } finally {
        ended = true
      }
    }
    let reported = 0
    const subscription = write(kafka, source(), { maxPendingBytes: 200 }).subscribe(() => {
      reported++
    })
    await until(() => reported > 500)
    subscription.unsubscribe()
    await until(() => ended)
    // Two bytes at least for each, and those on their way to be serialised.
    expect(asked - reported).toBeLessThan(200)
  })

  test('pauses a topic that it copies, instead of failing', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1, source: 1 })
    await kafka.write(
      'source',
      0,
      Array.from({ length: 3_000 }, (_, n) => n)
    )
    const copied$ = fromTopic(kafka.client, 'source', SERDES, { from: 'earliest', until: 'end', maxHeldRecords: 20 })
    const values$ = copied$.pipe(map(({ value }) => reading(value ?? 0)))
    await lastValueFrom(write(kafka, values$, { maxPendingRecords: 10 }))
    expect(await valuesOf(kafka)).toHaveLength(3_000)
  })

  test('fails where the source cannot be made to wait, after what it took is written', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    const source$ = range(0, 100).pipe(map(n => reading(n)))
    const reports: number[] = []
    const error = await new Promise(resolve => {
      write(kafka, source$, { maxPendingRecords: 10 }).subscribe({
        next: ({ record }) => reports.push(record.value as number),
        error: resolve
      })
    })
    expect(error).toMatchObject({ code: 'RXJS_BUFFER_FULL', message: expect.stringContaining('maxPendingRecords, 10') })
    expect(reports).toHaveLength(10)
    expect(await valuesOf(kafka)).toEqual(reports)
  })

  test.each(['at once', 'when it is prepared'])(
    'fails at the bytes as well, of a serde that is ready %s',
    async when => {
      await using kafka = await EmbeddedKafka.start({ t: 1 })
      let isPrepared = when === 'at once'
      const prepare = async () => void (isPrepared = true)
      const value = isPrepared ? string() : { ...string(), prepare }
      const source$ = new Subject<ProducerRecord<string, string>>()
      const written$ = fromObservable(source$, kafka.client, 't', { key: string(), value }, { maxPendingBytes: 10_000 })
      let given = 0
      const error = new Promise(resolve => {
        written$.subscribe({ error: resolve, complete: () => resolve('complete') })
      })
      await until(() => isPrepared)
      await turns(1)
      while (source$.observed && given < 100) {
        given++
        source$.next({ key: 'k', value: 'x'.repeat(1_000) })
      }
      expect(given).toBe(11)
      expect(await error).toMatchObject({
        code: 'RXJS_BUFFER_FULL',
        message: expect.stringContaining('with 10010 bytes (of maxPendingBytes, 10000)')
      })
    }
  )

  test('leaves a source that never ends by itself at the first value that is too much', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    let given = 0
    const endless$ = range(0, Number.MAX_SAFE_INTEGER).pipe(
      map(n => reading(n, { headers: [[String(given++), null]] }))
    )
    await expect(lastValueFrom(write(kafka, endless$, { maxPendingRecords: 10 }))).rejects.toMatchObject({
      code: 'RXJS_BUFFER_FULL'
    })
    expect(given).toBe(11)
  })

  test('or gives what is too much to a function', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    const dropped: number[] = []
    const whenFull = ({ value }: Reading) => dropped.push(value as number)
    await lastValueFrom(write(kafka, range(0, 100).pipe(map(n => reading(n))), { maxPendingRecords: 10, whenFull }))
    expect(await valuesOf(kafka)).toHaveLength(10)
    expect(dropped).toEqual(Array.from({ length: 90 }, (_, i) => i + 10))
  })
})

describe('errors', () => {
  test('of whenFull end the writing', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    const whenFull = () => {
      throw new Error('too much')
    }
    const source$ = range(0, 100).pipe(map(n => reading(n)))
    const written = lastValueFrom(write(kafka, source$, { maxPendingRecords: 10, whenFull }))
    await expect(written).rejects.toThrow('too much')
    expect(await valuesOf(kafka)).toHaveLength(10)
  })

  test('tell that a source is none', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    await expect(lastValueFrom(write(kafka, 5 as never))).rejects.toThrow(TypeError)
  })

  const errorOf = async (kafka: EmbeddedKafka, source: Reading[], topic = 't') =>
    await lastValueFrom(fromObservable(from(source), kafka.client, topic, SERDES)).catch((error: unknown) => error)

  test('name a topic that does not exist', async () => {
    await using kafka = await EmbeddedKafka.start({})
    expect(await errorOf(kafka, [reading(1)], 'nowhere')).toMatchObject({ code: 'TOPIC_MISSING' })
  })

  test('of a record come after what was before it is written', async () => {
    await using kafka = await EmbeddedKafka.start({ t: 1 })
    const failing = [reading(1), reading(2n as never), reading(3)]
    expect(await errorOf(kafka, failing)).toMatchObject({ code: 'RECORD_SERIALIZE_FAILED', details: { part: 'value' } })
    expect(await valuesOf(kafka)).toEqual([1])
    expect(await errorOf(kafka, [reading(1, { partition: 9 })])).toMatchObject({ code: 'RECORD_PRODUCE_FAILED' })
  })

  test('refuse options that cannot be', async () => {
    await using kafka = await EmbeddedKafka.start({})
    expect(() => write(kafka, [], { maxPendingRecords: 0 })).toThrow(/at least 1/)
    expect(() => write(kafka, [], { whenFull: 'drop' })).toThrow(/'fail' or a function/)
    expect(() => write(kafka, [], { maxPending: 1 })).toThrow(
      expect.objectContaining({ code: 'CONFIG_UNKNOWN_OPTION' })
    )
  })
})
