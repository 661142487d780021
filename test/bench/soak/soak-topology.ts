import {
  joinWindows,
  json,
  session,
  StreamsBuilder,
  string,
  type Topology,
  tumbling,
  untilWindowCloses
} from 'millrace'

export const CLICKS = 'soak-clicks'
export const ORDERS = 'soak-orders'
export const OUTPUTS = ['soak-load', 'soak-sessions', 'soak-matches'] as const

interface Click {
  readonly page: string
  readonly ms: number
}

interface Order {
  readonly amount: number
}

/** What happened so far. */
export interface SoakCounts {
  /** Read from both topics. */
  records: number
  /** Tumbling windows. */
  opened: number
  closed: number
}

/**
 * Windows of each kind, which open and expire all the time: averages in tumbling windows that go out when they close, sessions, and a join
 * of two streams.
 */
export function soakTopology(counts: SoakCounts): Topology {
  const builder = new StreamsBuilder()
  const count = () => counts.records++
  const clicks = builder.stream(CLICKS, { key: string(), value: json<Click>() }).peek(count)
  const orders = builder.stream(ORDERS, { key: string(), value: json<Order>() }).peek(count)
  clicks
    .groupByKey()
    .windowedBy(tumbling('10s', { grace: '2s' }))
    .aggregate(
      () => {
        counts.opened++
        return { sum: 0, count: 0 }
      },
      (_user, { ms }, { sum, count }) => ({ sum: sum + ms, count: count + 1 }),
      { store: 'load', value: json<{ sum: number; count: number }>() }
    )
    .suppress(untilWindowCloses())
    .toStream()
    .peek(() => counts.closed++)
    .map((window, { sum, count }) => [window.key, sum / count])
    .to(OUTPUTS[0], { key: string(), value: json<number>() })
  clicks
    .groupByKey()
    .windowedBy(session('1s', { grace: '2s' }))
    .count({ store: 'sessions' })
    .toStream()
    .map((window, count) => [window.key, count])
    .to(OUTPUTS[1], { key: string(), value: json<number | null>() })
  clicks
    .join(orders, ({ page }, { amount }) => ({ page, amount }), joinWindows('2s', { grace: '2s' }))
    .to(OUTPUTS[2], { key: string(), value: json() })
  return builder.build()
}
