import { json, kafkaClient, type Logger, Millrace, type MillraceOptions, StreamsBuilder, string } from 'millrace'
import { inject } from 'vitest'
import { TestCluster } from '../integration/test-cluster.ts'

export type Connection = NonNullable<MillraceOptions['kafka']>

/** The shared machine may be busy: what is tested is no time-out. */
export const PATIENT = { connectionTimeout: 20_000 } as const

/** Topics and a directory of one test's own; they are made and read over the plain listener. */
export async function openCluster(): Promise<TestCluster> {
  return await TestCluster.open(inject('secured').brokers)
}

/** Everything that an application logs, with its fields. */
export class LogLines implements Logger {
  readonly lines: string[] = []
  readonly debug = (message: string, fields?: object): void => this.#add('debug', message, fields)
  readonly info = (message: string, fields?: object): void => this.#add('info', message, fields)
  readonly warn = (message: string, fields?: object): void => this.#add('warn', message, fields)
  readonly error = (message: string, fields?: object): void => this.#add('error', message, fields)

  ofLevel(...levels: string[]): string[] {
    return this.lines.filter(line => levels.includes(line.split(' ', 1)[0] as string))
  }

  #add(level: string, message: string, fields: object | undefined): void {
    this.lines.push(`${level} ${message} ${JSON.stringify(fields)}`)
  }
}

/** Counts per key, through a repartition topic, exactly once: groups, transactions, changelogs and topics of its own. */
export function countingApp(
  cluster: TestCluster,
  kafka: Connection,
  logger: Logger,
  applicationId: string = cluster.applicationId
): Millrace {
  const builder = new StreamsBuilder()
  builder
    .stream(cluster.name('in'), { key: string(), value: string() })
    .groupBy((_key, value) => value, { key: string() })
    .count({ store: 'counts' })
    .toStream()
    .to(cluster.name('out'), { key: string(), value: json<number>() })
  return new Millrace(builder.build(), {
    applicationId,
    stateDir: cluster.stateDir,
    handleSignals: false,
    sessionTimeoutMs: 6_000,
    processingGuarantee: 'exactly_once',
    commitIntervalMs: 100,
    cacheBytes: 0,
    kafka: { ...PATIENT, ...kafka },
    logger
  })
}

/** What a counting application has to write for `count` records of each word: 1 to `count`, each once. */
export function countsUpTo(words: readonly string[], count: number): Map<string, number[]> {
  return new Map(words.map(word => [word, Array.from({ length: count }, (_, i) => i + 1)]))
}

/** The committed counts by word, in the order of the topic. */
export async function readCounts(cluster: TestCluster, end?: 'last-stable'): Promise<Map<string, number[]>> {
  const counts = new Map<string, number[]>()
  for (const { key, value } of await cluster.read('out', end)) {
    counts.set(key, [...(counts.get(key) ?? []), Number(value)])
  }
  return counts
}

/** Writes one record and reads it again, without an application. */
export async function roundTrip(kafka: Connection, topic: string): Promise<string> {
  const client = kafkaClient({ kafka: { ...PATIENT, ...kafka } })
  try {
    await client.connect()
    const producer = await client.createProducer({})
    const fetcher = client.createFetcher({ isolation: 'read_committed', maxBufferedBytes: 1_000_000 })
    const reader = fetcher.add({ topic, partition: 0 }, 0)
    const value = Buffer.from('hello')
    const appender = await producer.topic(topic)
    appender.append(0, null, 0, -1, value, 0, value.length, Date.now(), [])
    await producer.flush()
    while (!reader.next()) await fetcher.wait(100)
    await producer.close()
    return reader.buffer.toString('utf8', reader.valueStart, reader.valueEnd)
  } finally {
    await client.close()
  }
}
