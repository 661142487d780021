import { beforeAll, describe, expect, test } from 'vitest'
import { type FlightData, readFlightData } from './flight-data.ts'
import { newFlightTopics } from './flight-topics.ts'
import { type Recomputed, recompute } from './recomputation.ts'
import { runFlights } from './run-flights.ts'
import { expectNothingLeft } from './test-support/topics-and-groups.ts'
import { summarize } from './summary.ts'
import type { View } from './view.ts'

const brokers = process.env.KAFKA_BROKERS
if (brokers === undefined)
  throw new Error('KAFKA_BROKERS is not set. `npm run test:broker` and `npm run test:kafka` set it.')

const SEEDS = Array.from({ length: 20 }, (_, index) => index + 1)
const unseen: View = { loading() {}, counting() {}, close() {} }

let data: FlightData
let expected: Recomputed

beforeAll(async () => {
  data = await readFlightData()
  expected = recompute(data)
})

describe.concurrent('the whole file, exactly once', () => {
  test.each(SEEDS)('loaded in shuffled order number %i, gives the result of the plain recomputation', async seed => {
    const { signal } = new AbortController()
    const topics = newFlightTopics()
    const run = { data, brokers: brokers.split(','), topics, seed, keepTopics: false, view: unseen, signal }
    const { lines, holds } = summarize(data, await runFlights(run), expected)
    expect(holds, lines.join('\n')).toBe(true)
    await expectNothingLeft(topics.prefix)
  })
})
