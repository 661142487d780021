import { readdirSync, readFileSync } from 'node:fs'
import type { TestOutputTopic } from '@millrace/testing'
import { expect, test } from 'vitest'
import type { ConformanceCase } from './case-format.ts'
import { keyText } from './case-functions.ts'
import { KEY, VALUE } from './case-serdes.ts'
import { caseTopology, Unsupported } from './case-topology.ts'
import { openDriver, pipe } from './run-case.ts'

// With a record cache fewer updates are made, and at other times. What is left at the end must be the same.
const SEEDS = [1, 2, 3]
const FIXTURES = new URL('./fixtures/', import.meta.url)
const cases = readdirSync(FIXTURES)
  .filter(file => file.endsWith('.json'))
  .flatMap(file => JSON.parse(readFileSync(new URL(file, FIXTURES), 'utf8')) as ConformanceCase[])
  .filter(testCase => testCase.expect.error === null && isSupported(testCase) && isIndependentOfUpdates(testCase))

test('compares many cases', () => {
  expect(cases.length).toBeGreaterThan(140)
})

test.each(SEEDS)('a cache flushed at random points leaves the same rows and last outputs, seed %d', async seed => {
  const random = randomNumbers(seed)
  for (const testCase of cases) {
    const plain = await finalState(testCase, 0, () => false)
    const cached = await finalState(testCase, 1_000_000, () => random() < 0.2)
    const actual = withoutVoid(cached.rows, plain.voidKeys)
    expect.soft(actual, testCase.id).toEqual(withoutVoid(plain.rows, plain.voidKeys))
  }
})

/** Rows by `<store>:<key>` and last outputs by `<topic>/<key>`; `voidKeys` are those of groups without rows. */
async function finalState(testCase: ConformanceCase, cacheBytes: number, flushes: () => boolean) {
  const topology = caseTopology(testCase)
  await using driver = await openDriver(testCase, topology, cacheBytes)
  for (const step of testCase.steps) {
    if ('pipe' in step) pipe(driver, step.pipe)
    if (flushes()) await driver.commit()
  }
  await driver.commit()

  const rows = new Map<string, unknown>()
  const voidKeys = new Set<string>()
  for (const { name } of topology.subTopologies.flatMap(sub => sub.stores)) {
    const store = driver.store<{ all(): AsyncIterable<{ key: unknown; value: { value: unknown } }> }>(name)
    for await (const { key, value } of store.all()) {
      rows.set(`${name}:${keyText(key)}`, value.value)
      if (value.value === 0) voidKeys.add(keyText(key))
    }
  }
  for (const topic of driver.producedTopics()) {
    if (topic.startsWith('oracle-')) continue
    const output: TestOutputTopic<unknown, unknown> = driver.outputTopic(topic, { key: KEY, value: VALUE })
    for (const [key, value] of output.readTable()) rows.set(`${topic}/${keyText(key)}`, value)
  }
  return { rows, voidKeys }
}

/** A group that its rows joined and left between two flushes is never heard of; without a cache an empty one remains. */
function withoutVoid(rows: ReadonlyMap<string, unknown>, voidKeys: ReadonlySet<string>): Record<string, unknown> {
  return Object.fromEntries([...rows].filter(([name]) => !voidKeys.has(name.slice(name.search(/[:/]/) + 1))))
}

/**
 * Not so: what counts the updates of a table or shows its deletions as values, groups whose aggregate tells in which order
 * their rows came, a table joined with itself, which does not notice deletions, and what waits for a time from the first
 * update on.
 */
function isIndependentOfUpdates({ nodes }: ConformanceCase): boolean {
  const tellsOrder = nodes.some(
    ({ adder }) => adder !== undefined && !['sum', 'increment', 'sumField'].includes(adder.fn)
  )
  const readsUpdates = nodes.some(({ op }, at) => {
    const after = nodes.slice(at + 1)
    return op === 'toStream' && after.some(later => /^(groupBy|toTable|join)/.test(later.op))
  })
  const showsDeletions = nodes.some(
    ({ op, value }, at) => op === 'toStream' && /^(render|wrap|const)/.test(nodes[at + 1]?.value?.fn ?? value?.fn ?? '')
  )
  const joinsItself = nodes.some(({ op, from }) => /join$/i.test(op) && from?.[0] === from?.[1])
  const waits = nodes.some(({ until }) => until === 'timeLimit')
  return !waits && !tellsOrder && !readsUpdates && !showsDeletions && !joinsItself
}

function isSupported(testCase: ConformanceCase): boolean {
  try {
    return caseTopology(testCase).subTopologies.some(sub => sub.stores.length > 0)
  } catch (error) {
    if (error instanceof Unsupported) return false
    throw error
  }
}

/** Numbers in [0, 1), the same for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return state / 0x8000_0000
  }
}
