import { StreamsError } from '../core/index.ts'
import type { Clock, KafkaAdmin, Logger, TopicDescription } from '../ports/index.ts'
import { resolveTopicName, type Topology } from '../topology/index.ts'
import { type InternalTopic, ownInternalTopics, planTopics, type TopicPlan, userInputTopics } from './topic-plan.ts'

/** How long a topic that was just created may take until the brokers know it; a loaded one takes seconds. */
const KNOWN_WITHIN_MS = 30_000
const KNOWN_POLL_MS = 200

export interface PrepareOptions {
  readonly replicationFactor: number
  /** Of all internal topics. What a store says of its own goes before it. */
  readonly internalTopicConfigs?: Readonly<Record<string, string>>
  readonly deadLetterTopic: string | undefined
  readonly clock: Clock
  readonly logger: Logger
  /** Called before internal topics are created; gives what is to be noted of them, if anything. */
  readonly beforeCreating?: (() => Promise<InternalTopicNotes | undefined>) | undefined
}

/** Two steps: the first goes on beside the creation of the internal topics, the second after both. */
export interface InternalTopicNotes {
  prepare(): Promise<unknown>
  write(): Promise<void>
}

/**
 * Looks at the user's topics, settles the partition counts of the internal ones, creates those that are missing and
 * checks those that are there.
 *
 * @throws StreamsError `TOPIC_MISSING`, `TOPOLOGY_NOT_COPARTITIONED`, `TOPIC_PARTITION_COUNT_MISMATCH`.
 */
export async function prepareTopics(
  topology: Topology,
  applicationId: string,
  admin: KafkaAdmin,
  options: PrepareOptions
): Promise<TopicPlan> {
  const usesPatterns = topology.subTopologies.some(sub => sub.sourcePatterns.length > 0)
  const allTopics = usesPatterns ? [...(await admin.describeTopics()).values()] : []
  // Nor are Kafka's own topics anybody's input: `__consumer_offsets` matches /.*/.
  const own = ownInternalTopics(topology, applicationId)
  const candidates = allTopics.filter(({ name, internal }) => !internal && !own.has(name))
  const names = userInputTopics(
    topology,
    candidates.map(({ name }) => name)
  )
  const outputs = userOutputTopics(topology, options.deadLetterTopic)
  const described = await admin.describeTopics([...new Set([...names, ...outputs])])
  const missing = [...outputs].filter(name => !described.has(name)).sort()
  if (missing.length > 0) {
    throw new StreamsError(
      'TOPIC_MISSING',
      `The topology writes to ${missing.map(name => `'${name}'`).join(', ')}, which the brokers do not have. ` +
        `Create ${missing.length === 1 ? 'it' : 'them'} first: output topics are never created automatically.`,
      { details: { topics: missing } }
    )
  }

  const counts = new Map<string, number>()
  for (const name of names) {
    const topic = described.get(name)
    if (topic !== undefined) counts.set(name, topic.partitionCount)
  }
  const plan = planTopics(topology, applicationId, counts, options.internalTopicConfigs)
  const internal = [...plan.repartitionTopics, ...plan.changelogTopics]
  // To be told that a topic isn't there takes a moment, so that is asked beside.
  const [found, notes] = await Promise.all([
    admin.describeTopics(internal.map(({ name }) => name)),
    options.beforeCreating?.()
  ])
  const creating = [ensureTopics(internal, found, admin, options), notes?.prepare() ?? Promise.resolve()]
  for (const result of await Promise.allSettled(creating)) if (result.status === 'rejected') throw result.reason
  await notes?.write()
  return plan
}

function userOutputTopics(topology: Topology, deadLetterTopic: string | undefined): Set<string> {
  const internal = new Set(topology.subTopologies.flatMap(sub => sub.repartitionSources.map(spec => spec.suffix)))
  const names = new Set<string>()
  for (const sub of topology.subTopologies) {
    for (const topic of sub.sinkTopics) {
      // An internal name resolves to itself only when it is none.
      if (resolveTopicName(topic, '') === topic && !internal.has(topic)) names.add(topic)
    }
  }
  if (deadLetterTopic !== undefined) names.add(deadLetterTopic)
  return names
}

/**
 * Creates those that are missing, waits until they are known, and checks the partition counts of all.
 *
 * @param found - those that there are.
 * @throws StreamsError `TOPIC_PARTITION_COUNT_MISMATCH`, `TOPIC_MISSING`
 */
export async function ensureTopics(
  topics: readonly InternalTopic[],
  found: ReadonlyMap<string, TopicDescription>,
  admin: KafkaAdmin,
  options: Pick<PrepareOptions, 'replicationFactor' | 'clock' | 'logger'>
): Promise<void> {
  let existing = found
  const missing = topics.filter(topic => !existing.has(topic.name))
  if (missing.length > 0) {
    const results = await admin.createTopics(
      missing.map(({ name, partitionCount, configs }) => ({
        name,
        partitionCount,
        replicationFactor: options.replicationFactor,
        configs
      }))
    )
    for (const [name, result] of results) options.logger.debug(`internal topic '${name}': ${result}`)
    // Another instance may have created some of them meanwhile, so all are checked, not only those found before.
    existing = await untilKnown(
      topics.map(topic => topic.name),
      admin,
      options.clock
    )
  }
  for (const topic of topics) {
    const found = existing.get(topic.name)
    if (found !== undefined && found.partitionCount === topic.partitionCount) continue
    if (found === undefined) {
      throw new StreamsError(
        'TOPIC_MISSING',
        `The internal topic '${topic.name}' was created, but the brokers did not know it within ${KNOWN_WITHIN_MS} ms. See how they are, and start again.`,
        {
          details: { topics: [topic.name] }
        }
      )
    }
    throw new StreamsError(
      'TOPIC_PARTITION_COUNT_MISMATCH',
      `The internal topic '${topic.name}' has ${found.partitionCount} partitions, but the topology needs ${topic.partitionCount}, because ${topic.because}. ` +
        'If the input was repartitioned or the topology changed, reset the application (delete its internal topics, committed offsets and state directory), or use another applicationId.',
      { details: { topic: topic.name, found: found.partitionCount, needed: topic.partitionCount } }
    )
  }
}

/** Creating is done when the controller has written it down; the broker that is asked next may not have read that yet. */
async function untilKnown(
  names: readonly string[],
  admin: KafkaAdmin,
  clock: Clock
): Promise<ReadonlyMap<string, TopicDescription>> {
  const deadlineMs = clock.monotonicMs() + KNOWN_WITHIN_MS
  for (;;) {
    const found = await admin.describeTopics(names)
    if (names.every(name => found.has(name)) || clock.monotonicMs() >= deadlineMs) return found
    await new Promise<void>(resolve => void clock.setTimer(KNOWN_POLL_MS, resolve))
  }
}
