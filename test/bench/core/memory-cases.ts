import { joinWindows, json, session, StreamsBuilder, string, tumbling, untilWindowCloses } from '@millrace/streams'
import { type CoreRecords, packRecords } from './core-records.ts'

interface Click {
  readonly user: string
  readonly page: string
  readonly ms: number
}

export interface MemoryCase {
  readonly name: string
  /** What is counted. */
  readonly unit: 'open window' | 'buffered record'
  /** Of each key so many records, one behind the other; every record is one unit of its own unless they share a window. */
  readonly perKey: number
  build(builder: StreamsBuilder): void
}

const clicks = { key: string(), value: json<Click>() }

/** Everything happens within ten seconds, so that no window closes and nothing leaves a buffer. */
export const MEMORY_CASES: readonly MemoryCase[] = [
  {
    ...{ name: 'tumbling count', unit: 'open window', perKey: 1 },
    build: builder =>
      void builder
        .stream('clicks', clicks)
        .groupByKey()
        .windowedBy(tumbling('1m', { grace: '10s' }))
        .count({ store: 'state', value: json<number>() })
  },
  {
    ...{ name: 'session count', unit: 'open window', perKey: 1 },
    build: builder =>
      void builder
        .stream('clicks', clicks)
        .groupByKey()
        .windowedBy(session('30s', { grace: '10s' }))
        .count({ store: 'state', value: json<number>() })
  },
  { ...{ name: 'stream-stream join, 1 a key', unit: 'buffered record', perKey: 1 }, build: join },
  { ...{ name: 'stream-stream join, 10 a key', unit: 'buffered record', perKey: 10 }, build: join },
  {
    ...{ name: 'suppress, beside its window', unit: 'buffered record', perKey: 1 },
    build: builder =>
      builder
        .stream('clicks', clicks)
        .groupByKey()
        .windowedBy(tumbling('1m', { grace: '10s' }))
        .count({ store: 'state', value: json<number>() })
        .suppress(untilWindowCloses())
        .toStream()
        .map((window, count) => [window.key, count])
        .to('out', { key: string(), value: json<number>() })
  },
  {
    ...{ name: 'stream-table join with grace', unit: 'buffered record', perKey: 1 },
    build: builder => {
      const table = builder.table('rows', { key: string(), value: json<Click>(), historyRetention: '1m' })
      builder
        .stream('clicks', clicks)
        .join(table, (click, row) => ({ ...click, row }), { grace: '1m' })
        .to('out', { key: string(), value: json() })
    }
  }
]

function join(builder: StreamsBuilder): void {
  builder
    .stream('clicks', clicks)
    .join(builder.stream('views', clicks), click => click, joinWindows('30s', { grace: '10s' }))
    .to('out', { key: string(), value: json() })
}

export function memoryTopology(memoryCase: MemoryCase) {
  const builder = new StreamsBuilder()
  memoryCase.build(builder)
  return builder.build()
}

/** Of `clicks` only, with values of about 45 bytes. */
export function memoryRecords({ perKey }: MemoryCase, count: number): CoreRecords {
  return packRecords(['clicks'], count, 10_000 / count, i => {
    const user = `user-${Math.floor(i / perKey)}`
    return { topic: 0, key: user, value: { user, page: `/page/${i % 100}`, ms: i % 1000 } }
  })
}
