import { randomUUID } from 'node:crypto'
import { DeleteTopics } from '@millrace/protocol'
import { afterAll, beforeAll, it } from 'vitest'
import { seededRandom } from '../test-support/seeded-random.ts'
import { WireClient } from '../test-support/wire-client.ts'
import { RecordsPlay } from './test-support/records-play.ts'
import { SEEDS } from './test-support/seeds.ts'
import { expectSameLog, openSides, type Side } from './test-support/side.ts'

const STEP_COUNT = 80
const prefix = `like-kafka-${randomUUID().slice(0, 8)}`
const topicOf = (seed: number): string => `${prefix}-r${seed}`

let sides: readonly [Side, Side]

beforeAll(async () => {
  sides = await openSides()
})

afterAll(async () => {
  for (const side of sides) {
    const client = WireClient.dial(side.address)
    await client.send(DeleteTopics, 5, { topicNames: SEEDS.map(topicOf), timeoutMs: 30_000 })
    client.close()
    await side.close()
  }
})

it.concurrent.each(SEEDS)('writes, reads and deletes records as Kafka does (seed %i)', async seed => {
  const nowMs = Date.now()
  const play = (side: Side) => new RecordsPlay(side, seededRandom(seed), topicOf(seed), nowMs).run(STEP_COUNT)
  const [kafka, embedded] = await Promise.all([play(sides[0]), play(sides[1])])
  expectSameLog(embedded, kafka)
})
