import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, it } from 'vitest'
import { seededRandom } from '../test-support/seeded-random.ts'
import { SEEDS } from './test-support/seeds.ts'
import { expectSameLog, openSides, prepare, type Side } from './test-support/side.ts'
import { TransactionPlay } from './test-support/transaction-play.ts'

const STEP_COUNT = 60
const prefix = `like-kafka-${randomUUID().slice(0, 8)}`
const topicOf = (seed: number): string => `${prefix}-${seed}`

let sides: readonly [Side, Side]

beforeAll(async () => {
  sides = await openSides()
  await Promise.all(sides.map(side => prepare(side, SEEDS.map(topicOf))))
})

afterAll(async () => {
  for (const side of sides) await side.close()
})

it.concurrent.each(SEEDS)('answers transactional producers as Kafka does, whatever they do (seed %i)', async seed => {
  const play = (side: Side) => new TransactionPlay(side, seededRandom(seed), topicOf(seed)).run(STEP_COUNT)
  const [kafka, embedded] = await Promise.all([play(sides[0]), play(sides[1])])
  expectSameLog(embedded, kafka)
})
