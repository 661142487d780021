// Checked by tsc, never run: what must not compile is marked with @ts-expect-error, which fails when it does compile.
import { expectTypeOf } from 'vitest'
import {
  float64,
  int32,
  int64,
  json,
  type KStream,
  type KTable,
  type StoreHandle,
  StreamsBuilder,
  string,
  tumbling,
  type Windowed,
  windowedKey
} from '../index.ts'

interface Click {
  readonly page: string
  readonly ms: number
}
interface Page {
  readonly title: string
}

const builder = new StreamsBuilder()
const clicks = builder.stream('clicks', { key: string(), value: json<Click>() })
const pages = builder.table('pages', { key: string(), value: json<Page>() })

// Types flow from the serdes of the source through the operators.
expectTypeOf(clicks).toEqualTypeOf<KStream<string, Click>>()
expectTypeOf(clicks.map((user, click) => [click.ms, user])).toEqualTypeOf<KStream<number, string>>()
expectTypeOf(clicks.mapValues(click => click.ms)).toEqualTypeOf<KStream<string, number>>()
expectTypeOf(clicks.flatMapValues(click => click.page.split('/'))).toEqualTypeOf<KStream<string, string>>()
expectTypeOf(clicks.selectKey((_user, click) => click.ms)).toEqualTypeOf<KStream<number, Click>>()
expectTypeOf(clicks.merge(clicks.mapValues(() => 'x'))).toEqualTypeOf<KStream<string, Click | string>>()
expectTypeOf(clicks.join(pages, (click, page) => page.title + click.ms)).toEqualTypeOf<KStream<string, string>>()
expectTypeOf(pages.mapValues(page => page.title.length)).toEqualTypeOf<KTable<string, number>>()
expectTypeOf(pages.toStream((_name, page) => page.title.length)).toEqualTypeOf<KStream<number, Page>>()

// A left join has to reckon with a missing row.
clicks.leftJoin(pages, (_click, page) => {
  expectTypeOf(page).toEqualTypeOf<Page | null>()
  return page
})

// Type guards narrow, also those that TypeScript finds by itself; a whole type is not narrowed to one literal.
const lengths = clicks.mapValues((click): number | undefined => click.ms)
expectTypeOf(lengths.filter((_user, ms) => ms !== undefined)).toEqualTypeOf<KStream<string, number>>()
expectTypeOf(clicks.mapValues(click => click.ms).filter((_user, ms) => ms === 30)).toEqualTypeOf<
  KStream<string, number>
>()

// Windows are in the key, and in the sink's serde.
const counts = clicks.groupByKey().windowedBy(tumbling('5m')).count({ store: 'counts' })
counts.toStream().to('counts', { key: windowedKey(string()) })
counts.toStream().map(({ key, startMs }, count) => {
  expectTypeOf(key).toEqualTypeOf<string>()
  return [`${key}@${startMs}`, count]
})
expectTypeOf(counts.toStream()).toEqualTypeOf<KStream<Windowed<string>, number>>()
// @ts-expect-error a string serde cannot write windowed keys
counts.toStream().to('counts', { key: string() })
// @ts-expect-error no unit of that name
tumbling('5 minutes')

// A sink whose serdes do not fit does not compile.
clicks.to('out')
clicks.to('out', { key: string(), value: json<Click>() })
clicks.to('out', { key: string(), value: json() })
// @ts-expect-error a number serde cannot write clicks
clicks.to('out', { value: int64() })
// @ts-expect-error a number serde cannot write the key
clicks.to('out', { key: int32(), value: json<Click>() })
// @ts-expect-error the serde writes only some of the values
clicks.merge(clicks.mapValues(() => 'x')).to('out', { value: json<Click>() })
// @ts-expect-error a misspelt option
clicks.to('out', { valeu: json<Click>() })

// Null is a tombstone; no serde has to write it.
clicks.mapValues(click => (click.ms > 0 ? click.ms : null)).to('out', { value: int64() })

// What is written narrower than its serde is read back as wide as it.
expectTypeOf(
  clicks
    .mapValues(() => 'x' as const)
    .groupByKey({ value: string() })
    .count()
).toEqualTypeOf<KTable<string, number>>()
// @ts-expect-error the repartition topic cannot hold the values
clicks.groupBy(() => 'all', { key: string(), value: string() })
// @ts-expect-error nor the keys
clicks.groupBy(() => 'all', { key: int32() })

// An aggregate has a type that nothing upstream has a serde for.
const sums = clicks.groupByKey().aggregate(
  () => ({ ms: 0 }),
  (_user, click, sum) => ({ ms: sum.ms + click.ms }),
  { store: 'sums', value: json<{ ms: number }>() }
)
clicks.groupByKey().aggregate(
  () => 0,
  (_user, click, sum) => sum + click.ms,
  // @ts-expect-error no value serde
  { store: 'sums' }
)
clicks.groupByKey().aggregate(
  () => 0,
  (_user, click, sum) => sum + click.ms,
  // @ts-expect-error a serde of another type
  { value: string() }
)
clicks.groupByKey().reduce((a, b) => (a.ms > b.ms ? a : b))
// @ts-expect-error a reducer stays within its type
clicks.groupByKey().reduce((a, b) => a.ms + b.ms)

// Store handles carry the types of the rows to the queries.
expectTypeOf(sums.queryableStore).toEqualTypeOf<StoreHandle<string, { ms: number }, 'timestamped-key-value'>>()
expectTypeOf(counts.queryableStore).toEqualTypeOf<StoreHandle<string, number, 'timestamped-window'>>()
expectTypeOf(counts.filter((_key, count) => count > 1, { store: 'many' }).queryableStore).toEqualTypeOf<
  StoreHandle<Windowed<string>, number, 'timestamped-key-value'>
>()

// A grouped table is aggregated with an adder and a subtractor.
const bySize = pages.groupBy((name, page) => [page.title.length, name], { key: int32(), value: string() })
expectTypeOf(bySize.count()).toEqualTypeOf<KTable<number, number>>()
expectTypeOf(
  bySize.aggregate(
    () => 0.5,
    (_size, name, sum) => sum + name.length,
    (_size, name, sum) => sum - name.length,
    { value: float64() }
  )
).toEqualTypeOf<KTable<number, number>>()
// @ts-expect-error no subtractor
bySize.reduce((a, b) => a + b)

// Branches are known by name.
const branches = clicks
  .split()
  .branch('slow', (_user, click) => click.ms > 100)
  .branch('home', (_user, click) => click.page === '/')
  .defaultBranch('rest')
expectTypeOf(branches.slow).toEqualTypeOf<KStream<string, Click>>()
expectTypeOf(branches.rest).toEqualTypeOf<KStream<string, Click>>()
// @ts-expect-error no such branch
branches.fast

// Joins need equal key types.
// @ts-expect-error the keys are numbers
clicks.selectKey((_user, click) => click.ms).join(pages, click => click)

// Values that are read only cannot be changed, in no part of them, and can be made of any.
const frozen = new StreamsBuilder().stream('frozen', {
  key: string(),
  value: json<{ at: number; tags: string[] }>({ readonly: true })
})
frozen.peek((_key, value) => {
  // @ts-expect-error read only
  value.at = 1
  // @ts-expect-error read only
  value.tags.push('x')
})
frozen
  .mapValues(({ at }) => ({ at, tags: ['x'] }))
  .to('out', { key: string(), value: json<{ at: number; tags: string[] }>({ readonly: true }) })
