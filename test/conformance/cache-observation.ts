import type { StoreSpec, Topology } from '@millrace/streams'
import type { TestOutputTopic, TopologyTestDriver } from '@millrace/testing'
import type { CaseNode, ConformanceCase, Json } from './case-format.ts'
import { keyText } from './case-functions.ts'
import { KEY, VALUE } from './case-serdes.ts'
import { openDriver, pipe } from './run-case.ts'

/** When a cache is flushed: when it holds more than so many bytes, and after which steps the application commits or starts anew. */
export interface CacheRun {
  readonly cacheBytes: number
  commits(): boolean
  restarts(): boolean
}

export interface Row {
  readonly value: Json
  readonly timestampMs?: number
  readonly headers?: string
}

export type Rows = ReadonlyMap<string, Row>

export interface Observation {
  /** Rows by the texts of their keys; of a buffer of `suppress` the values that it holds. */
  readonly stores: ReadonlyMap<string, Rows>
  /** By topic. */
  readonly records: ReadonlyMap<string, readonly (Row & { readonly key: string | null })[]>
  /** The last record of each key, by topic. */
  readonly last: ReadonlyMap<string, Rows>
}

/** Sinks that show what passes inside a case. They come at its end, so that names are numbered as before. */
export function probes(id: string, op: string): CaseNode[] {
  const topic = probeTopic(id)
  if (op === 'toStream') return [{ op: 'to', from: id, topic }]
  return [
    { op: 'toStream', id: topic, from: id },
    { op: 'to', from: topic, topic }
  ]
}

const PROBE = 'probe-'

export function probeTopic(id: string): string {
  return `${PROBE}${id}`
}

export function isProbe(topic: string): boolean {
  return topic.startsWith(PROBE)
}

/** Runs all steps, empties the caches, and reads all there is. */
export async function observe(testCase: ConformanceCase, topology: Topology, run: CacheRun): Promise<Observation> {
  await using driver = await openDriver(testCase, topology, run.cacheBytes)
  for (const step of testCase.steps) {
    if ('pipe' in step) pipe(driver, step.pipe)
    else driver.advanceWallClock(step.advanceWallClockMs)
    await driver.settle()
    if (run.commits()) await driver.commit()
    if (run.restarts()) await driver.restart()
    await driver.settle()
  }
  // What is flushed into an internal topic is held back again behind it.
  for (let i = 0; i <= topology.subTopologies.length; i++) {
    await driver.commit()
    await driver.settle()
  }

  const stores = new Map<string, Rows>()
  for (const spec of topology.subTopologies.flatMap(sub => sub.stores)) {
    stores.set(spec.name, await rowsOf(driver, spec))
  }
  const records = new Map<string, (Row & { readonly key: string | null })[]>()
  const last = new Map<string, Rows>()
  for (const topic of driver.producedTopics()) {
    if (topic.startsWith('oracle-')) continue
    const output: TestOutputTopic<string | null, Json> = driver.outputTopic(topic, { key: KEY, value: VALUE })
    const all = output.readRecords().map(({ key, value, timestampMs, headers }) => {
      const texts = headers.map(([name, bytes]) => `${name}=${Buffer.from(bytes ?? []).toString()}`)
      return { key, value, timestampMs, headers: texts.join() }
    })
    records.set(topic, all)
    last.set(topic, new Map(all.map(({ key, ...row }) => [String(key), row])))
  }
  return { stores, records, last }
}

async function rowsOf(driver: TopologyTestDriver, { name, kind }: StoreSpec): Promise<Rows> {
  const rows = new Map<string, Row>()
  const store = driver.store<{ all(): AsyncIterable<{ key: any; value: any }> }>(name)
  for await (const { key, value } of store.all()) {
    if (kind.startsWith('timestamped') || kind.startsWith('versioned')) {
      rows.set(keyText(key), { value: value.value, timestampMs: value.timestampMs })
    } else if (kind !== 'ordered-key-value') rows.set(keyText(key), { value })
    else if (key.timeMs !== undefined) rows.set(keyText(key.key), { value: value.after })
  }
  return rows
}
