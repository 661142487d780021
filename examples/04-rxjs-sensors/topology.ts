import { type ObservedRecord, pipeThrough, tableChanges } from '@millrace/rxjs'
import { json, StreamsBuilder, string, type Topology, tumbling, untilWindowCloses, type Windowed } from 'millrace'
import { filter, map, type Observable, pipe } from 'rxjs'
import { isBroken, type Reading } from './readings.ts'

export interface Load {
  readonly sumTenths: number
  readonly count: number
}

export const WINDOW = '5m'

/** Averages of five minutes each, written once when they are final; and the same as an Observable, while the application runs. */
export function sensorTopology(
  readings: string,
  averages: string
): { readonly topology: Topology; readonly averages$: Observable<ObservedRecord<Windowed<string>, number | null>> } {
  const builder = new StreamsBuilder()
  const stream = builder.stream(readings, { key: string(), value: json<Reading>() })
  const tenths = pipeThrough(
    stream,
    pipe(
      filter((reading: Reading) => !isBroken(reading)),
      map(({ celsius }) => Math.round(celsius * 10))
    ),
    { name: 'valid-tenths' }
  )
  const table = tenths
    .groupByKey({ key: string(), value: json<number>() })
    .windowedBy(tumbling(WINDOW))
    .aggregate<Load>(
      () => ({ sumTenths: 0, count: 0 }),
      (_sensor, value, load) => ({ sumTenths: load.sumTenths + value, count: load.count + 1 }),
      { store: 'loads', value: json<Load>() }
    )
    .suppress(untilWindowCloses())
    .mapValues(({ sumTenths, count }) => Math.round((sumTenths * 10) / count) / 100)
  table.toStream().to(averages, { value: json<number>() })
  return { averages$: tableChanges(table), topology: builder.build() }
}
