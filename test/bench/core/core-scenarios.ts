import { joinWindows, json, session, StreamsBuilder, string, tumbling } from '@millrace/streams'
import type { Topology } from '@millrace/streams/topology'
import { type CoreRecord, type CoreRecords, packRecords, type Random } from './core-records.ts'

interface Click {
  readonly user: string
  readonly page: string
  readonly ms: number
}

interface Order {
  readonly customer: string
  readonly amount: number
}

interface Customer {
  readonly name: string
  readonly tier: number
}

/** The topologies; CoreBench.java has the same under the same names. */
export type CoreTopologyName =
  | 'map-filter'
  | 'count'
  | 'tumbling-average'
  | 'session'
  | 'stream-join'
  | 'foreign-key-join'

export interface CoreScenario {
  readonly name: string
  readonly topology: CoreTopologyName
  readonly keys: number
  /** By how much each record is later than the one before: a tenth of it puts ten times as many into a window. */
  readonly stepMs: number
  /** What the name of another scenario is to this one: its cost is compared with that one's. */
  readonly widens?: string
  readonly compares?: 'record' | 'result'
}

/** A window of 30 s holds 3,000 records, or ten times as many in the widened ones. */
const STEP_MS = 10

export function coreScenarios(keys: number): readonly CoreScenario[] {
  return [
    { name: 'map-filter', topology: 'map-filter', keys, stepMs: STEP_MS },
    { name: 'count', topology: 'count', keys, stepMs: STEP_MS },
    { name: 'tumbling-average', topology: 'tumbling-average', keys, stepMs: STEP_MS },
    { name: 'session', topology: 'session', keys, stepMs: STEP_MS },
    { name: 'stream-join', topology: 'stream-join', keys, stepMs: STEP_MS },
    { name: 'foreign-key-join', topology: 'foreign-key-join', keys, stepMs: STEP_MS },
    {
      ...{ name: 'session, 10 × keys', topology: 'session', keys: 10 * keys, stepMs: STEP_MS / 10 },
      ...{ widens: 'session', compares: 'record' }
    },
    {
      ...{ name: 'stream-join, 10 × keys', topology: 'stream-join', keys: 10 * keys, stepMs: STEP_MS / 10 },
      ...{ widens: 'stream-join', compares: 'record' }
    },
    {
      ...{ name: 'stream-join, 10 × matches', topology: 'stream-join', keys, stepMs: STEP_MS / 10 },
      ...{ widens: 'stream-join', compares: 'result' }
    }
  ]
}

export function coreTopology(name: CoreTopologyName): Topology {
  const builder = new StreamsBuilder()
  BUILD[name](builder)
  return builder.build()
}

export function coreRecords(scenario: CoreScenario, count: number): CoreRecords {
  const { keys, topology, stepMs } = scenario
  const click = (i: number, random: Random): CoreRecord => {
    const user = `user-${random.next(keys)}`
    return {
      topic: topology === 'stream-join' ? i % 2 : 0,
      key: user,
      value: { user, page: `/page/${random.next(keys)}`, ms: random.next(1000) }
    }
  }
  const customers = Math.max(1, Math.ceil(keys / 10))
  const orderOrCustomer = (i: number, random: Random): CoreRecord => {
    const id = i < customers ? i : random.next(customers)
    if (i < customers || random.next(16) === 0) {
      return { topic: 1, key: `customer-${id}`, value: { name: `name-${id}`, tier: random.next(5) } }
    }
    const order = { customer: `customer-${id}`, amount: random.next(10_000) }
    return { topic: 0, key: `order-${random.next(keys)}`, value: order }
  }
  return packRecords(
    INPUT_TOPICS[topology] ?? ['clicks'],
    count,
    stepMs,
    topology === 'foreign-key-join' ? orderOrCustomer : click
  )
}

const INPUT_TOPICS: Partial<Record<CoreTopologyName, readonly string[]>> = {
  'stream-join': ['clicks', 'views'],
  'foreign-key-join': ['orders', 'customers']
}

const clicks = { key: string(), value: json<Click>() }

const BUILD: Record<CoreTopologyName, (builder: StreamsBuilder) => void> = {
  'map-filter': builder => {
    builder
      .stream('clicks', clicks)
      .filter((_user, click) => click.ms % 2 === 0)
      .mapValues(({ user, page, ms }) => ({ user, page, ms, bucket: Math.floor(ms / 10) }))
      .to('out', { key: string(), value: json() })
  },
  count: builder => {
    builder
      .stream('clicks', clicks)
      .groupByKey()
      .count({ value: json<number>() })
      .toStream()
      .to('out', { key: string(), value: json<number>() })
  },
  'tumbling-average': builder => {
    builder
      .stream('clicks', clicks)
      .groupBy((_user, click) => click.page, clicks)
      .windowedBy(tumbling('1m', { grace: '10s' }))
      .aggregate(
        () => ({ sum: 0, count: 0 }),
        (_page, click, load) => ({ sum: load.sum + click.ms, count: load.count + 1 }),
        { value: json<{ sum: number; count: number }>() }
      )
      .toStream()
      .map((window, load) => [`${window.key}@${window.startMs}`, Math.floor(load.sum / load.count)])
      .to('out', { key: string(), value: json<number>() })
  },
  session: builder => {
    builder
      .stream('clicks', clicks)
      .groupByKey()
      .windowedBy(session('30s', { grace: '5s' }))
      .count({ value: json<number>() })
      .toStream()
      .map((window, count) => [`${window.key}@${window.startMs}-${window.endMs}`, count])
      .to('out', { key: string(), value: json<number>() })
  },
  'stream-join': builder => {
    builder
      .stream('clicks', clicks)
      .join(
        builder.stream('views', clicks),
        (click, view) => ({ page: click.page, ms: click.ms, otherPage: view.page, otherMs: view.ms }),
        joinWindows('30s', { grace: '5s' })
      )
      .to('out', { key: string(), value: json() })
  },
  'foreign-key-join': builder => {
    const orders = builder.table('orders', { key: string(), value: json<Order>() })
    const customers = builder.table('customers', { key: string(), value: json<Customer>() })
    orders
      .join(
        customers,
        (_id, order) => order.customer,
        ({ amount }, { name, tier }) => ({ amount, name, tier }),
        { value: json<{ amount: number; name: string; tier: number }>() }
      )
      .toStream()
      .to('out', { key: string(), value: json() })
  }
}
