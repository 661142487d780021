import { isStreamsError, type StoreSpec, type Topology } from '@millrace/streams'
import type { VersionedKeyValueStore } from '@millrace/streams/core'
import type { RawStoreProvider } from '@millrace/streams/ports'
import { TopologyTestDriver } from '@millrace/testing'
import { describeDifferences, outputDifferences, storeDifferences } from './case-differences.ts'
import type { ConformanceCase, Json, Output, PipeStep } from './case-format.ts'
import { keyText } from './case-functions.ts'
import type { CaseRun } from './case-runs.ts'
import { KEY, VALUE } from './case-serdes.ts'
import { caseTopology } from './case-topology.ts'
import { Unsupported } from './unsupported.ts'

export type Verdict =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly differences: readonly string[] }
  | { readonly kind: 'unsupported'; readonly why: string }

export const APPLICATION_ID = 'oracle'

/** Stores in memory, a commit never, no restart. */
const PLAINLY: RunOptions = { stores: undefined, commits: () => false, restart: undefined }

export interface RunOptions extends Pick<CaseRun, 'commits' | 'restart'> {
  /** Undefined: in memory. */
  readonly stores: (() => RawStoreProvider) | undefined
}

/** Runs one case and compares everything that the oracle observed. */
export async function runCase(testCase: ConformanceCase, options = PLAINLY): Promise<Verdict> {
  const { expect } = testCase
  const differences: string[] = []
  let observed: Observed
  try {
    observed = await observe(testCase, options)
  } catch (error) {
    if (error instanceof Unsupported) return { kind: 'unsupported', why: error.message }
    throw error
  }
  const expectedStep = expect.error?.step
  if (observed.error?.step !== expectedStep) {
    const got = observed.error === undefined ? 'no error' : `at step ${observed.error.step}: ${observed.error.message}`
    const expected = expect.error === null ? 'no error' : `at step ${expectedStep}: ${expect.error.rootCause}`
    differences.push(`error: expected ${expected}, got ${got}`)
  }
  differences.push(...describeDifferences(expect.describe, observed.describe))
  differences.push(...outputDifferences(expect.outputs, observed.outputs))
  const stores = expect.stores === null ? [] : [...Object.keys(expect.stores), ...Object.keys(observed.stores ?? {})]
  for (const name of new Set(stores)) {
    differences.push(...storeDifferences(name, expect.stores?.[name], observed.stores?.[name]))
  }
  return differences.length === 0 ? { kind: 'passed' } : { kind: 'failed', differences }
}

interface Observed {
  describe: string | null
  outputs: Output[]
  stores: Record<string, Record<string, Json>[]> | undefined
  error: { step: number; message: string } | undefined
}

async function observe(testCase: ConformanceCase, options: RunOptions): Promise<Observed> {
  const observed: Observed = { describe: null, outputs: [], stores: undefined, error: undefined }
  let topology: Topology
  let driver: TopologyTestDriver
  try {
    topology = caseTopology(testCase)
    observed.describe = topology.describe()
    driver = await openDriver(testCase, topology, 0, options.stores?.())
  } catch (error) {
    observed.error = { step: -1, message: refusal(error) }
    return observed
  }
  try {
    if (options.restart?.afterStep === -1) await restart(driver, testCase, options)
    for (const [index, step] of testCase.steps.entries()) {
      try {
        if ('advanceWallClockMs' in step) driver.advanceWallClock(step.advanceWallClockMs)
        else if ('pipe' in step) pipe(driver, step.pipe)
        else throw new Unsupported(`the step ${JSON.stringify(step)}`)
        await driver.settle()
      } catch (error) {
        observed.error = { step: index, message: refusal(error) }
        return observed
      }
      // Outputs of commits and restarts count as the step's: without a record cache there are none.
      if (options.commits(index)) await driver.commit()
      if (options.restart?.afterStep === index) await restart(driver, testCase, options)
      observed.outputs.push(...outputsOf(driver, index))
    }
    observed.stores = await storesOf(driver, testCase, topology)
  } finally {
    await driver.close()
  }
  return observed
}

/** Of an error that a case may expect: the product's own. Any other is a fault of the runner, or of the product. */
function refusal(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (cause instanceof Unsupported) throw cause
  if (!isStreamsError(error)) throw error
  return String(error)
}

/** The topology is built anew, as a process that starts would. */
async function restart(driver: TopologyTestDriver, testCase: ConformanceCase, options: RunOptions): Promise<void> {
  await driver.restart({ topology: caseTopology(testCase), disk: options.restart?.disk ?? 'kept' })
}

export function openDriver(
  testCase: ConformanceCase,
  topology: Topology,
  cacheBytes = 0,
  stores?: RawStoreProvider
): Promise<TopologyTestDriver> {
  const { deserialization, processing } = testCase.config ?? {}
  return TopologyTestDriver.open(topology, {
    applicationId: APPLICATION_ID,
    startWallClockMs: testCase.wallClockStartMs ?? 0,
    cacheBytes,
    ...(stores === undefined ? {} : { stores }),
    handlers: {
      onDeserializationError: deserialization === 'continue' ? 'continue' : 'fail',
      onProcessingError: processing === 'continue' ? 'continue' : 'fail'
    }
  })
}

export function pipe(driver: TopologyTestDriver, record: PipeStep): void {
  const { topic, key = null, value = null, ts, headers = [], rawKey, rawValue } = record
  const context = { topic, isKey: false }
  driver.inputTopic(topic, { key: KEY, value: VALUE }).pipeBytes(
    rawKey === undefined ? (key === null ? null : Buffer.from(key)) : Buffer.from(rawKey, 'base64'),
    rawValue === undefined
      ? value === null
        ? null
        : VALUE.serialize(value, context)
      : Buffer.from(rawValue, 'base64'),
    ts,
    headers.map(([name, text]) => [name, text === null ? null : Buffer.from(text)] as const)
  )
}

const readers = new WeakMap<TopologyTestDriver, Map<string, ReturnType<TopologyTestDriver['outputTopic']>>>()

function outputsOf(driver: TopologyTestDriver, step: number): Output[] {
  const known = readers.get(driver) ?? new Map()
  readers.set(driver, known)
  const outputs: Output[] = []
  for (const topic of driver.producedTopics().sort()) {
    if (topic.startsWith(`${APPLICATION_ID}-`)) continue
    const reader = known.get(topic) ?? driver.outputTopic(topic, { key: KEY, value: VALUE })
    known.set(topic, reader)
    for (const { key, value, timestampMs, headers } of reader.readRecords()) {
      outputs.push({
        step,
        topic,
        key: key as string | null,
        value: value as Json,
        ts: timestampMs,
        headers: headers.map(([name, bytes]: readonly [string, Uint8Array | null]) => [name, text(bytes)] as const)
      })
    }
  }
  return outputs
}

function text(bytes: Uint8Array | null): string {
  return bytes === null ? '' : Buffer.from(bytes).toString('utf8')
}

async function storesOf(driver: TopologyTestDriver, testCase: ConformanceCase, topology: Topology) {
  const dumps: Record<string, Record<string, Json>[]> = {}
  for (const name of new Set(testCase.nodes.flatMap(node => node.store ?? []))) {
    const spec = [...topology.subTopologies, ...topology.globalSubTopologies]
      .flatMap(sub => sub.stores)
      .find(store => store.name === name)
    if (spec === undefined) continue
    dumps[name] = await rowsOf(driver, testCase, spec)
  }
  return dumps
}

/** Rows in the order of their keys' text, then start, then end. */
async function rowsOf(driver: TopologyTestDriver, testCase: ConformanceCase, spec: StoreSpec) {
  const rows: Record<string, Json>[] = []
  if (spec.kind === 'versioned-key-value') {
    const keys = new Set(testCase.steps.flatMap(step => ('pipe' in step ? (step.pipe.key ?? []) : [])))
    const store = driver.store<VersionedKeyValueStore<string, Json>>(spec.name)
    for (const key of [...keys].sort()) {
      for (const asOf of [null, ...(testCase.versionedAsOf ?? [])]) {
        const found = asOf === null ? store.get(key) : store.getAsOf(key, asOf)
        if (found !== undefined) rows.push({ key, asOf, value: found.value, ts: found.timestampMs })
      }
    }
    return rows
  }
  const store = driver.store<{ all(): AsyncIterable<{ key: any; value: any }> }>(spec.name)
  for await (const { key, value } of store.all()) {
    const stored = spec.kind.startsWith('timestamped') ? { value: value.value, ts: value.timestampMs } : { value }
    if (spec.kind === 'session') rows.push({ key: keyText(key.key), start: key.startMs, end: key.endMs, ...stored })
    else if (spec.kind.endsWith('window')) rows.push({ key: keyText(key.key), start: key.startMs, ...stored })
    else rows.push({ key: keyText(key), ...stored })
  }
  const by = (name: string) => (a: Record<string, Json>, b: Record<string, Json>) => compare(a[name] ?? 0, b[name] ?? 0)
  return rows.sort((a, b) => by('key')(a, b) || by('start')(a, b) || by('end')(a, b))
}

function compare(a: any, b: any): number {
  return a < b ? -1 : a > b ? 1 : 0
}
