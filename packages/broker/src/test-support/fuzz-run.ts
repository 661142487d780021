import { CreateTopics, DeleteGroups, DeleteTopics, ListGroups, Metadata, type ResponseOf } from '@millrace/protocol'
import { MockClock } from '@millrace/testing'
import { EmbeddedBroker } from '../broker.ts'
import { RandomFrames, TOPICS } from './random-frames.ts'
import { seededRandom } from './seeded-random.ts'
import { WireClient } from './wire-client.ts'

const START_MS = 1_700_000_000_000
/** Frames between two looks: then everything is deleted, and all that time forgets is forgotten. */
const CHUNK = 20_000
const FORGETS_ALL_MS = 30 * 86_400_000

export interface FuzzOptions {
  readonly frames: number
  readonly seed: number
  /** Called when everything that the frames made was deleted again. */
  readonly onCleaned?: (frames: number) => Promise<void> | void
}

export interface FuzzReport {
  readonly frames: number
  readonly answers: number
  readonly connections: number
  /** What the broker logged as errors: defects. */
  readonly errors: readonly unknown[]
}

/**
 * Sends random frames to a broker, several to a connection, and looks now and then whether it still serves a client.
 *
 * @throws Error when it does not.
 */
export async function fuzz({ frames, seed, onCleaned }: FuzzOptions): Promise<FuzzReport> {
  const clock = new MockClock(START_MS)
  const errors: unknown[] = []
  const logger = { debug() {}, info() {}, warn() {}, error: (...said: unknown[]) => void errors.push(said) }
  await using broker = await EmbeddedBroker.start({
    logger,
    clock,
    random: seededRandom(seed),
    maxRequestBytes: 10_000,
    // A day is long for something that is looked after every fifteen seconds.
    logCleanupIntervalMs: 3_600_000
  })
  const random = new RandomFrames(seed, START_MS)
  let sent = 0
  let answers = 0
  let connections = 0
  while (sent < frames) {
    await cleanUp(broker, clock)
    await onCleaned?.(sent)
    await createTopics(broker)
    const end = Math.min(frames, sent + CHUNK)
    while (sent < end) {
      const stream = broker.connect()
      connections++
      stream.on('error', () => {})
      stream.on('data', () => answers++)
      for (let left = 1 + random.below(6); left > 0 && sent < end; left--, sent++) stream.write(random.next())
      stream.end()
      if (connections % 50 !== 0) continue
      await new Promise(resolve => setImmediate(resolve))
      clock.advance(random.below(200))
    }
  }
  await cleanUp(broker, clock)
  await onCleaned?.(sent)
  return { frames, answers, connections, errors }
}

async function cleanUp(broker: EmbeddedBroker, clock: MockClock): Promise<void> {
  // Requests that wait give up.
  clock.advance(3_600_000)
  await new Promise(resolve => setImmediate(resolve))
  const client = new WireClient(broker.connect())
  const { topics }: ResponseOf<typeof Metadata> = await client.send(Metadata, 12, { topics: null })
  const names = topics.map(({ name }) => name).filter(name => name !== null)
  await client.send(DeleteTopics, 5, { topicNames: names, timeoutMs: 1000 })
  const { groups } = await client.send(ListGroups, 4, { statesFilter: [] })
  await client.send(DeleteGroups, 2, { groupsNames: groups.map(({ groupId }) => groupId) })
  client.close()
  clock.advance(FORGETS_ALL_MS)
  await new Promise(resolve => setImmediate(resolve))
}

async function createTopics(broker: EmbeddedBroker): Promise<void> {
  const client = new WireClient(broker.connect())
  const topics = TOPICS.map(name => ({ name, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }))
  const answer = await client.send(CreateTopics, 7, { topics, timeoutMs: 1000 })
  if (answer.topics.some(({ errorCode }) => errorCode !== 0)) throw new Error('Topics cannot be created any more.')
  client.close()
}
