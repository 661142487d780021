import {
  json,
  type KStream,
  sessionStore,
  StreamsBuilder,
  string,
  timestampedKeyValueStore,
  tumbling,
  type Windowed
} from '@millrace/streams'
import type { KafkaClient } from '@millrace/streams/ports'
import type { StreamsApp } from '@millrace/streams/runtime'
import { filter, map, type Observable, of, pipe } from 'rxjs'
import { describe, expectTypeOf, test } from 'vitest'
import {
  changes,
  type DeliveryReport,
  fromObservable,
  fromTopic,
  mapHeld,
  type ObservedRecord,
  pipeThrough,
  tableChanges,
  toObservable,
  type TopicRecord
} from './index.ts'

declare const app: StreamsApp
declare const kafka: KafkaClient
const serdes = { key: string(), value: json<number>() }
const stream = new StreamsBuilder().stream('in', serdes)
const counts = stream.groupByKey().count({ store: 'counts' })
const windows = stream.groupByKey().windowedBy(tumbling('5m')).count({ store: 'windows' })

describe('types', () => {
  test('of records follow the serdes', () => {
    expectTypeOf(fromTopic(kafka, 't', serdes)).toEqualTypeOf<Observable<TopicRecord<string, number>>>()
    expectTypeOf(fromTopic(app, 't', serdes)).toEqualTypeOf<Observable<TopicRecord<string, number>>>()
    expectTypeOf(toObservable(stream)).toEqualTypeOf<Observable<ObservedRecord<string, number>>>()
  })

  test('of changes follow the store', () => {
    expectTypeOf(changes(app, counts.queryableStore)).toEqualTypeOf<Observable<TopicRecord<string, number>>>()
    expectTypeOf(changes(app, windows.queryableStore)).toEqualTypeOf<
      Observable<TopicRecord<Windowed<string>, number>>
    >()
    const declared = timestampedKeyValueStore('s', serdes)
    expectTypeOf(changes(app, declared)).toEqualTypeOf<Observable<TopicRecord<string, number>>>()
    const sessions = sessionStore('s', { ...serdes, retention: '1h' })
    expectTypeOf(changes(app, sessions)).toEqualTypeOf<Observable<TopicRecord<Windowed<string>, number>>>()
    expectTypeOf(tableChanges(counts)).toEqualTypeOf<Observable<ObservedRecord<string, number | null>>>()
    expectTypeOf(tableChanges(windows)).toEqualTypeOf<Observable<ObservedRecord<Windowed<string>, number | null>>>()
  })

  test('of a piped stream are those of its operators', () => {
    const piped = pipeThrough(
      stream,
      pipe(
        filter(n => n > 0),
        map(n => String(n))
      )
    )
    expectTypeOf(piped).toEqualTypeOf<KStream<string, string>>()
    const ofTexts = map((text: string) => text)
    // @ts-expect-error: the values are numbers
    pipeThrough(stream, ofTexts)
  })

  test('of what is written follow the serdes', () => {
    const source$ = of({ key: 'a', value: 1, note: 'mine' })
    expectTypeOf(fromObservable(source$, kafka, 't', serdes)).toEqualTypeOf<
      Observable<DeliveryReport<{ key: string; value: number; note: string }>>
    >()
    // @ts-expect-error: the serde is for numbers
    fromObservable(of({ key: 'a', value: 'text' }), kafka, 't', serdes)
  })

  test('of mapHeld are those of its results', () => {
    expectTypeOf(of(1).pipe(mapHeld(async n => String(n)))).toEqualTypeOf<Observable<string>>()
    expectTypeOf(of(1).pipe(mapHeld(n => [n, true]))).toEqualTypeOf<Observable<number | boolean>>()
  })
})
