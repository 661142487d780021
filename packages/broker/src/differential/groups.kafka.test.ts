import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, it } from 'vitest'
import { seededRandom } from '../test-support/seeded-random.ts'
import { GroupPlay } from './test-support/group-play.ts'
import { SEEDS } from './test-support/seeds.ts'
import { expectSameLog, openSides, prepare, type Side } from './test-support/side.ts'

const STEP_COUNT = 60
/**
 * Kafka serves its connections with several threads. On a busy machine one of them may take up a request after what was asked
 * later over another connection, and the members have not done the same. The embedded broker has one thread, and plays once.
 */
const REPEATS = 2
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
  const topic = topicOf(seed)
  const mine = new GroupPlay(embedded, seededRandom(seed), topic, topic)
  await mine.run(STEP_COUNT)
  const playTheirs = async (group: string): Promise<readonly string[]> =>
    await new GroupPlay(kafka, seededRandom(seed), topic, group, mine.answerCounts).run(STEP_COUNT)
  let theirs = await playTheirs(topic)
  for (let again = 1; again <= REPEATS && !isDeepStrictEqual(mine.log, theirs); again++) {
    theirs = await playTheirs(`${topic}-${again}`)
  }
  expectSameLog(mine.log, theirs)
})
