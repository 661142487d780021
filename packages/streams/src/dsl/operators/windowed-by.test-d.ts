// Checked by tsc, never run: what must not compile is marked with @ts-expect-error, which fails when it does compile.
import { expectTypeOf } from 'vitest'
import {
  json,
  type KTable,
  type SessionWindowedKStream,
  type StoreHandle,
  StreamsBuilder,
  session,
  sessionKey,
  sliding,
  string,
  type TimeWindowedKStream,
  tumbling,
  unlimited,
  untilTimeLimit,
  untilWindowCloses,
  type Windowed,
  windowedKey
} from '../../index.ts'

const builder = new StreamsBuilder()
const grouped = builder.stream('in', { key: string(), value: json<number>() }).groupByKey()

// The kind of the windows decides what can be called.
expectTypeOf(grouped.windowedBy(sliding('5m'))).toEqualTypeOf<TimeWindowedKStream<string, number>>()
expectTypeOf(grouped.windowedBy(unlimited())).toEqualTypeOf<TimeWindowedKStream<string, number>>()
expectTypeOf(grouped.windowedBy(session('5m'))).toEqualTypeOf<SessionWindowedKStream<string, number>>()
// @ts-expect-error sessions need a merger
grouped.windowedBy(session('5m')).aggregate(
  () => 0,
  (_key, value, sum) => sum + value,
  { value: json<number>() }
)
// @ts-expect-error no such strategy
grouped.windowedBy(tumbling('5m')).emitStrategy('onClose')

// Sessions are in the key, in the sink's serde and in the handle of the store.
const sessions = grouped.windowedBy(session('5m')).emitStrategy('onWindowClose').count({ store: 'sessions' })
expectTypeOf(sessions.queryableStore).toEqualTypeOf<StoreHandle<string, number, 'session'>>()
sessions.toStream().to('out', { key: sessionKey(string()) })
sessions.toStream().to('out', { key: windowedKey(string()) })
// @ts-expect-error a string serde cannot write the keys of sessions
sessions.toStream().to('out', { key: string() })

// Only windows close.
const rows = builder.table('rows', { key: string(), value: json<number>() })
expectTypeOf(sessions.suppress(untilWindowCloses())).toEqualTypeOf<KTable<Windowed<string>, number>>()
expectTypeOf(rows.suppress(untilTimeLimit('10s'))).toEqualTypeOf<KTable<string, number>>()
// @ts-expect-error a table without windows
rows.suppress(untilWindowCloses())

// A cogroup has the aggregate's type from its first aggregator; the others see their own values.
const words = builder.stream('words', { key: string(), value: string() }).groupByKey()
const cogrouped = grouped
  .cogroup((_key, value, sum: number) => sum + value)
  .cogroup(words, (_key, word, sum) => {
    expectTypeOf(word).toEqualTypeOf<string>()
    return sum + word.length
  })
expectTypeOf(cogrouped.aggregate(() => 0, { value: json<number>() })).toEqualTypeOf<KTable<string, number>>()
// @ts-expect-error the aggregator makes another type
grouped.cogroup((_key, value, sum: number) => sum + value).cogroup(words, () => 'text')
// @ts-expect-error no value serde
cogrouped.aggregate(() => 0)
