import { crc32 } from 'node:zlib'
import type { PartitionReader } from '@millrace/streams/ports'
import { expect, test } from 'vitest'
import { Clicks, countryOf, entryJson, probeKey, tierOf, WINDOW_MS } from './clicks-input.ts'
import { ExpectedOutput, type WorkloadName } from './expected-output.ts'

const COUNT = 5000
const SEED = 42

interface Output {
  readonly key: string
  readonly value: unknown
}

/** What a workload has to write, computed in the plainest way. */
function rightOutput(workload: WorkloadName): Output[] {
  const clicks = new Clicks(SEED)
  const totals = new Map<string, { count: number; sum: number }>()
  return Array.from({ length: COUNT }, () => {
    clicks.next()
    const { user, ms, ts } = clicks
    const page = `/p/${clicks.page}`
    const windowed = `${page}@${ts - (ts % WINDOW_MS)}`
    const key = workload === 'W3' ? windowed : `u${user}`
    const total = totals.get(key) ?? { count: 0, sum: 0 }
    total.count++
    total.sum += ms
    totals.set(key, total)
    const click = { user: `u${user}`, page, ms, ts }
    if (workload === 'W1') return { key, value: ms % 2 === 0 ? { ...click, bucket: Math.floor(ms / 10) } : undefined }
    if (workload === 'W2') return { key, value: total.count }
    if (workload === 'W3') return { key, value: { avg: total.sum / total.count, count: total.count } }
    return { key, value: { ...click, country: countryOf(user), tier: tierOf(user) } }
  }).filter(({ value }) => value !== undefined)
}

function faultOf(workload: WorkloadName, output: readonly Output[], round = 0): string | undefined {
  const expected = new ExpectedOutput(workload, COUNT, SEED, round)
  for (const { key, value } of output) {
    const buffer = Buffer.from(key + JSON.stringify(value))
    const [valueStart, valueEnd] = [key.length, buffer.length]
    expected.accept({ buffer, keyStart: 0, keyEnd: key.length, valueStart, valueEnd } as PartitionReader)
  }
  return expected.fault()
}

test('the clicks of a seed are the same for ever', () => {
  const clicks = new Clicks(SEED)
  let sum = 0
  for (let i = 0; i < 10_000; i++) {
    clicks.next()
    sum = crc32(clicks.json(), sum)
  }
  expect(sum).toBe(651_702_528)
})

test.each(['W1', 'W2', 'W3', 'W4'] as const)('the right output of %s is accepted, and no other', workload => {
  const right = rightOutput(workload)
  expect(faultOf(workload, right)).toBeUndefined()
  expect(faultOf(workload, right.slice(0, -1))).toMatch(/1 keys are wrong/)
  if (workload === 'W1' || workload === 'W4') expect(faultOf(workload, [...right, right[7] as Output])).toMatch(/wrong/)
  const changed = right.map(({ key, value }) => ({
    key,
    value: typeof value === 'number' ? value + 1 : { ...(value as object), ms: 2, avg: 1 }
  }))
  expect(faultOf(workload, changed)).toBeDefined()
})

test('probes of W6 have to know how many records a key has had', () => {
  const answers = (n: number): Output[] =>
    Array.from({ length: 1000 }, (_, probe) => {
      const { user, page } = JSON.parse(entryJson(probeKey(COUNT, probe), 1))
      return { key: user, value: { user, page, n } }
    })
  expect(faultOf('W6', answers(2), 1)).toBeUndefined()
  expect(faultOf('W6', answers(1), 1)).toMatch(/1000 keys are wrong/)
})

test('output that is no JSON, or of a key that is not there, is wrong', () => {
  expect(faultOf('W2', [{ key: 'someone', value: 1 }])).toMatch(/someone/)
  expect(faultOf('W2', [{ key: 'u1', value: undefined }])).toMatch(/the record 'u1'/)
})
