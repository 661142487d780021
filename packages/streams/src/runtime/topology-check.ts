import { isStreamsError, StreamsError } from '../core/index.ts'
import type { Clock, KafkaAdmin, KafkaClient, Logger } from '../ports/index.ts'
import {
  describeTopologyChanges,
  type StateIdentity,
  stateIdentities,
  type Topology,
  type TopologyChange,
  topologyChanges
} from '../topology/index.ts'
import type { InternalTopicNotes } from './internal-topics.ts'
import type { InternalTopic } from './topic-plan.ts'
import { checkTopologyTopicIsFree, encode, TopologyRecord, topologyTopic } from './topology-record.ts'

export interface TopologyCheckOptions {
  readonly applicationId: string
  readonly onTopologyChange: 'fail' | 'accept' | 'ignore'
  readonly client: KafkaClient
  readonly clock: Clock
  readonly logger: Logger
  /** Makes a topic that isn't there, or that another instance has just made, and waits until it is known. */
  readonly createTopic: (topic: InternalTopic) => Promise<void>
  readonly isStopping: () => boolean
}

/**
 * Compares the topology with what the internal topics are known to hold. Called before the missing ones are created: what is
 * noted of a topic that isn't there, after a reset for example, counts for nothing.
 *
 * Instances of two versions may start at once, also for the first time: what was written first holds, and the later one reads
 * that after its own writing.
 *
 * @returns at the first start, what is to be noted before anything is processed: making the topic for it takes as long as making
 *   the others, so that goes on beside it. Undefined when there is nothing new, or it is noted.
 * @throws StreamsError `TOPOLOGY_CHANGED`
 */
export async function checkTopology(
  topology: Topology,
  options: TopologyCheckOptions
): Promise<InternalTopicNotes | undefined> {
  const { applicationId, onTopologyChange, client, clock, logger, isStopping } = options
  const identities = stateIdentities(topology)
  if (onTopologyChange === 'ignore' || identities.length === 0) return undefined
  checkTopologyTopicIsFree(identities)
  const { admin } = client
  const own = topologyTopic(applicationId)
  const record = new TopologyRecord(applicationId, client, clock)

  const fullName = (topic: string) => `${applicationId}-${topic}`
  const describe = async (topics: Iterable<string>) => await admin.describeTopics([...topics].map(fullName))
  // To be told that a topic isn't there takes a moment, so that is asked beside.
  const [isThere, existing] = await Promise.all([
    withReason(own.name, async () => (await admin.describeTopics([own.name])).has(own.name)),
    describe(identities.map(({ topic }) => topic)).then(found => new Map(found))
  ])
  const recorded = isThere ? await withReason(own.name, async () => await record.read(isStopping)) : undefined
  if (isThere && recorded === undefined) return undefined
  const known = recorded?.identities ?? new Map<string, StateIdentity | undefined>()
  const topics = new Set(identities.map(({ topic }) => topic))
  // What wasn't there before the notes were read may be by now: another instance makes its topics, then notes them.
  const unseen = [...known.keys()].filter(topic => !existing.has(fullName(topic)))
  for (const [name, description] of await describe(unseen)) existing.set(name, description)
  const left = new Map<string, StateIdentity>()
  for (const [topic, identity] of known) {
    if (identity !== undefined && existing.has(fullName(topic))) left.set(topic, identity)
  }

  const found = topologyChanges(left, identities, topic => !existing.has(fullName(topic)))
  const filled = await withRecords(found, applicationId, admin, topic => existing.get(topic)?.partitionCount ?? 0)
  // Where nothing was processed so far, an instance of the other version that runs may do it at any moment.
  const isShared = filled.length < found.length && (await admin.describeGroup(applicationId)).members.length > 0
  const changes = isShared ? found : filled
  if (changes.length > 0) {
    if (onTopologyChange === 'fail') throw changedError(applicationId, changes, filled.length === 0)
    logger.warn(`the topology has changed, which was accepted:\n${describeTopologyChanges(changes)}`)
  }

  const isOfNewerRelease = (topic: string) =>
    known.has(topic) && known.get(topic) === undefined && existing.has(fullName(topic))
  const changed = identities.filter(identity => {
    const before = left.get(identity.topic)
    return !isOfNewerRelease(identity.topic) && (before === undefined || encode(before) !== encode(identity))
  })
  const abandoned = [...left.values()]
    .filter(({ topic, isGenerated, isAbandoned }) => isGenerated && isAbandoned !== true && !topics.has(topic))
    .map(identity => ({ ...identity, isAbandoned: true }))
  if (changed.length + abandoned.length === 0) return undefined
  const write = async () => {
    await withReason(own.name, async () => await record.write([...changed, ...abandoned]))
    if (onTopologyChange === 'fail') await assertFirst(changed, recorded?.endOffset ?? 0, record, options)
  }
  if (!isThere)
    return { prepare: async () => await withReason(own.name, async () => await options.createTopic(own)), write }
  await write()
  return undefined
}

/** Those whose topic holds anything: what was never written, or is all processed, can't be mixed up. */
async function withRecords(
  changes: readonly TopologyChange[],
  applicationId: string,
  admin: KafkaAdmin,
  partitionCountOf: (topic: string) => number
): Promise<TopologyChange[]> {
  if (changes.length === 0) return []
  const partitions = changes.flatMap(({ before }) => {
    const topic = `${applicationId}-${before.topic}`
    return Array.from({ length: partitionCountOf(topic) }, (_, partition) => ({ topic, partition }))
  })
  const offsetsAt = async (at: 'earliest' | 'latest') =>
    await admin.listOffsets(
      partitions.map(partition => ({ ...partition, at })),
      'read_uncommitted'
    )
  const [begins, ends] = await Promise.all([offsetsAt('earliest'), offsetsAt('latest')])
  const begin = new Map(begins.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]))
  const filled = new Set(
    ends
      .filter(({ topic, partition, offset }) => offset > (begin.get(`${topic}-${partition}`) ?? 0))
      .map(({ topic }) => topic)
  )
  return changes.filter(({ before }) => filled.has(`${applicationId}-${before.topic}`))
}

/** Whoever lacks a right on this topic never asked for it. */
async function withReason<T>(topic: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use()
  } catch (error) {
    if (!isStreamsError(error)) throw error
    throw new StreamsError(
      error.code,
      `${error.message.replace(` (${error.code})`, '')} In the topic '${topic}' the application notes what its stores and repartition ` +
        'topics hold, to notice when a change of the topology would mix them up. It needs the rights to create, read and write it; ' +
        "or create it for the application, with one partition and cleanup.policy=compact; or go without: onTopologyChange: 'ignore'.",
      { cause: error, details: { ...error.details, topic } }
    )
  }
}

/** @throws StreamsError `TOPOLOGY_CHANGED` when another version wrote before, in which case its records are restored. */
async function assertFirst(
  written: readonly StateIdentity[],
  fromOffset: number,
  record: TopologyRecord,
  { applicationId, isStopping }: TopologyCheckOptions
): Promise<void> {
  const since = await record.read(isStopping, fromOffset)
  if (since === undefined) return
  const first = new Map<string, StateIdentity>()
  for (const [topic, identity] of since.earliest) if (identity !== undefined) first.set(topic, identity)
  const changes = topologyChanges(first, written, () => false)
  if (changes.length === 0) return
  await record.write(changes.map(({ before }) => before))
  throw changedError(applicationId, changes)
}

/** The names of other stores are made of the operator's name and an ending. */
const CAN_BE_GIVEN = /^(?!KTABLE-SUPPRESS|KTABLE-FK-JOIN-SUBSCRIPTION).+-STATE-STORE-\d{10}$/

function changedError(applicationId: string, changes: readonly TopologyChange[], isEmpty = false): StreamsError {
  const example = changes.find(({ before }) => CAN_BE_GIVEN.test(before.name))
  const keep =
    example === undefined
      ? 'keep the operators that were, or give those that are new names of their own'
      : `let the operator keep its state by giving it the name that it had, such as { store: '${example.before.name}' }, or give it a new name`
  const others = isEmpty
    ? 'They are empty, but others are in the group, who may be of the old version: stop them, and wait until the session of those ' +
      'that were killed has timed out. '
    : ''
  return new StreamsError(
    'TOPOLOGY_CHANGED',
    `The topology does not fit what application '${applicationId}' has left in its internal topics:\n${describeTopologyChanges(changes)}\n${others}` +
      `Either ${keep}; or reset the application (delete its internal topics, committed offsets and state directory); ` +
      "or, if this is what you want, start it with onTopologyChange: 'accept' once.",
    {
      details: {
        applicationId,
        changes: changes.map(({ kind, before, now }) => ({ kind, before, now }))
      }
    }
  )
}
