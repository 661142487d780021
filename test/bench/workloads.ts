import { json, type StreamsBuilder, string, tumbling } from 'millrace'
import type { Click, User } from './clicks.ts'

export interface Workload {
  readonly exactlyOnce: boolean
  /** Adds the topology to `builder`; calls `onRecord` for each record of the input that was processed. */
  build(builder: StreamsBuilder, topics: Topics, onRecord: () => void): void
}

export interface Topics {
  readonly input: string
  readonly output: string
  readonly table: string
}

/** Nothing here changes what it reads. */
const clicks = { key: string(), value: json<Click>({ readonly: true }) }

/** The same work as the Java rivals do; `README.md` beside this file says what each is. */
export const WORKLOADS: Readonly<Record<string, Workload>> = {
  W1: {
    exactlyOnce: false,
    build(builder, { input, output }, onRecord) {
      builder
        .stream(input, clicks)
        .peek(onRecord)
        .filter((_user, click) => click.ms % 2 === 0)
        .mapValues(({ user, page, ms, ts }) => ({ user, page, ms, ts, bucket: Math.floor(ms / 10) }))
        .to(output, { key: string(), value: json() })
    }
  },
  W2: { exactlyOnce: false, build: countByUser },
  W3: {
    exactlyOnce: false,
    build(builder, { input, output }, onRecord) {
      builder
        .stream(input, clicks)
        .groupBy((_user, click) => click.page, clicks)
        .windowedBy(tumbling('5m', { grace: '10s' }))
        .aggregate(
          () => ({ sum: 0, count: 0 }),
          (_page, click, load) => {
            // After the repartition topic, so that its part is timed too.
            onRecord()
            return { sum: load.sum + click.ms, count: load.count + 1 }
          },
          { store: 'page-load', value: json<{ sum: number; count: number }>() }
        )
        .toStream()
        .map((window, load) => [`${window.key}@${window.startMs}`, { avg: load.sum / load.count, count: load.count }])
        .to(output, { key: string(), value: json() })
    }
  },
  W4: {
    exactlyOnce: false,
    build(builder, { input, output, table }, onRecord) {
      const users = builder.table(table, { key: string(), value: json<User>(), store: 'users' })
      builder
        .stream(input, clicks)
        .peek(onRecord)
        .join(users, ({ user, page, ms, ts }, { country, tier }) => ({ user, page, ms, ts, country, tier }))
        .to(output, { key: string(), value: json() })
    }
  },
  W5: { exactlyOnce: true, build: countByUser },
  W6: {
    exactlyOnce: false,
    build(builder, { input, output }, onRecord) {
      builder
        .stream(input, clicks)
        .peek(onRecord)
        .groupByKey()
        .aggregate(
          () => ({ user: '', page: '', n: 0 }),
          (_user, { user, page }, latest) => ({ user, page, n: latest.n + 1 }),
          { store: 'latest', value: json<{ user: string; page: string; n: number }>() }
        )
        .toStream()
        .to(output, { key: string(), value: json() })
    }
  },
  /** For `npm run bench -- tasks`: the whole record of each key as state, so that there is much of it. */
  state: {
    exactlyOnce: false,
    build(builder, { input, output }, onRecord) {
      builder
        .stream(input, clicks)
        .peek(onRecord)
        .groupByKey()
        .aggregate(
          () => ({ n: 0 }),
          (_user, click, { n }) => ({ ...click, n: n + 1 }),
          { store: 'latest', value: json<{ n: number }>() }
        )
        .toStream()
        .mapValues(({ n }) => n)
        .to(output, { key: string(), value: json<number>() })
    }
  }
}

function countByUser(builder: StreamsBuilder, { input, output }: Topics, onRecord: () => void): void {
  builder
    .stream(input, clicks)
    .peek(onRecord)
    .groupByKey()
    .count({ store: 'clicks-by-user' })
    .toStream()
    .to(output, { key: string(), value: json<number>() })
}
