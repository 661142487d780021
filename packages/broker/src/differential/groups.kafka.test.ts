import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { seededRandom } from '../test-support/seeded-random.ts'
import { GroupPlay } from './test-support/group-play.ts'
import { SEEDS } from './test-support/seeds.ts'
import { openSides, prepare, type Side } from './test-support/side.ts'

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

it.concurrent.each(SEEDS)('answers members of a group as Kafka does, whatever they do (seed %i)', async seed => {
  const [kafka, embedded] = sides
  const mine = new GroupPlay(embedded, seededRandom(seed), topicOf(seed))
  await mine.run(STEP_COUNT)
  const theirs = new GroupPlay(kafka, seededRandom(seed), topicOf(seed), mine.answerCounts)
  await theirs.run(STEP_COUNT)
  expect(mine.log).toEqual(theirs.log)
})
