import {
  hopping,
  joinWindows,
  json,
  type KStream,
  session,
  sliding,
  StreamsBuilder,
  string,
  type Topology,
  tumbling,
  untilTimeLimit,
  untilWindowCloses,
  type Windowed
} from 'millrace'

export const numbers = { key: string(), value: json<number>() }
export const texts = { key: string(), value: json<string>() }
const accounts = { key: string(), value: json<Account>() }
export const results = { key: string(), value: json<Result>() }

export interface Account {
  readonly customer: string | null
  readonly region: string
  readonly amount: number
}

export type Result = string | number | readonly unknown[] | null

export interface Region {
  readonly rows: number
  readonly amount: number
}

export interface OperatorsOptions {
  readonly name: (topic: string) => string
  readonly onClick?: (value: number | null) => void
}

/** Each operator writes to one topic, under its name and the key. */
export function operatorsTopology({ name, onClick = () => {} }: OperatorsOptions): Topology {
  const builder = new StreamsBuilder()
  const emit = <V extends Result>(operator: string, stream: KStream<string, V>) =>
    stream.map((key, value) => [`${operator}|${key}`, value] as const).to(name('out'), results)
  const emitWindows = (operator: string, stream: KStream<Windowed<string>, number>) =>
    emit(
      operator,
      stream.map(({ key, startMs, endMs }, value) => [key, [startMs, endMs, value]] as const)
    )
  const clicks = builder.stream(name('clicks'), numbers).peek((_key, value) => onClick(value))
  const views = builder.stream(name('views'), numbers)
  const near = joinWindows(40, { grace: 60 })
  const pair = (one: number | null, other: number | null): Result => [one, other]
  emit('left', clicks.leftJoin(views, pair, near))
  emit('outer', clicks.outerJoin(views, pair, near))

  const byKey = clicks.groupByKey()
  const uncached = { caching: false } as const
  emitWindows(
    'session',
    byKey
      .windowedBy(session(50, { grace: 100 }))
      .count(uncached)
      .toStream()
  )
  emitWindows(
    'sliding',
    byKey
      .windowedBy(sliding(60, { grace: 100 }))
      .reduce((sum, value) => sum + value, uncached)
      .toStream()
  )
  // Held back by the record cache: only the last update of each window is the same in every run.
  const emitLast = (operator: string, stream: KStream<Windowed<string>, number>) =>
    emit(
      operator,
      stream.selectKey(({ key, startMs, endMs }) => `${key} ${startMs}-${endMs}`)
    )
  // At the very edge of its retention a store refuses updates that are forwarded without a cache.
  const retained = { retention: '1s' } as const
  emitLast(
    'cached-session',
    byKey
      .windowedBy(session(50, { grace: 100 }))
      .count(retained)
      .toStream()
  )
  emitLast(
    'cached-sliding',
    byKey
      .windowedBy(sliding(60, { grace: 100 }))
      .count(retained)
      .toStream()
  )
  emitWindows(
    'closed',
    byKey
      .windowedBy(hopping(200, { advance: 100, grace: 50 }))
      .count(uncached)
      .suppress(untilWindowCloses())
      .toStream()
  )
  emit('limited', byKey.count(uncached).suppress(untilTimeLimit(150)).toStream())
  emitWindows(
    'final',
    byKey
      .windowedBy(tumbling(100, { grace: 50 }))
      .emitStrategy('onWindowClose')
      .count()
      .toStream()
  )
  emitWindows(
    'final-session',
    byKey
      .windowedBy(session(30, { grace: 50 }))
      .emitStrategy('onWindowClose')
      .count()
      .toStream()
  )
  emit(
    'cogroup',
    byKey
      .cogroup((_key, value: number, all: string) => digest(`${all}c${value}`))
      .cogroup(views.groupByKey(), (_key, value, all) => digest(`${all}v${value}`))
      .aggregate(() => '', { value: json<string>(), caching: false })
      .toStream()
  )
  const rates = builder.table(name('rates'), { ...numbers, store: 'rates', historyRetention: '1h' })
  emit('rated', clicks.leftJoin(rates, pair, { grace: 80 }))
  const places = builder.globalTable(name('places'), { ...texts, store: 'places' })
  emit(
    'placed',
    clicks.leftJoin(
      places,
      (_key, value) => `place${value % 7}`,
      (value, place): Result => [value, place]
    )
  )

  const accountTable = builder.table(name('accounts'), { ...accounts, store: 'accounts' })
  const customers = builder.table(name('customers'), { ...texts, store: 'customers' })
  emit(
    'regions',
    accountTable
      .groupBy((_key, account) => [account.region, account.amount], numbers)
      .aggregate(
        (): Region => ({ rows: 0, amount: 0 }),
        (_key, amount, region) => ({ rows: region.rows + 1, amount: region.amount + amount }),
        (_key, amount, region) => ({ rows: region.rows - 1, amount: region.amount - amount }),
        { value: json<Region>() }
      )
      .toStream()
      .mapValues(({ rows, amount }) => [rows, amount])
  )
  emit(
    'owners',
    accountTable
      .leftJoin(
        customers,
        (_key, account) => account.customer,
        (account, customer) => `${account.amount} of ${customer}`,
        { otherPartitioner: (_topic, key, _value, count) => customerPartition(key, count) }
      )
      .toStream()
  )
  return builder.build()
}

/** Customers are not partitioned as Java's producer would. */
export const customerPartition = (key: string, count: number) => Number(key.slice(1)) % count

/** A text of bounded length that tells every order of what was added from every other. */
function digest(text: string): string {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return `#${hash}`
}
