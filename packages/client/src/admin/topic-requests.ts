import { CreateTopics, DeleteTopics, DescribeConfigs, kafkaError, ZERO_UUID } from '@millrace/protocol'
import { StreamsError } from '@millrace/streams/core'
import type { NewTopic, TopicDescription } from '@millrace/streams/ports'
import type { TopicMetadata } from '../cluster.ts'
import { topicError } from './admin-errors.ts'
import type { AdminSession } from './admin-session.ts'

const CONTROLLER = { controller: true } as const
/** How long the controller may wait until the topics are known to all brokers. */
const BROKER_TIMEOUT_MS = 20_000
const TOPIC_RESOURCE = 2

export async function describeTopics(
  session: AdminSession,
  names: readonly string[] | undefined
): Promise<ReadonlyMap<string, TopicDescription>> {
  return await session.retry('describing topics', async () => {
    const topics = names === undefined ? await session.cluster.allTopics() : await readTopics(session, names)
    return { done: true, value: new Map(topics.map(topic => [topic.name, describe(topic)])) }
  })
}

/** Read anew: what the cluster has cached may have grown since. */
async function readTopics({ cluster }: AdminSession, names: readonly string[]): Promise<TopicMetadata[]> {
  if (names.length === 0) return []
  await cluster.refresh(names)
  // Gives a topic that was created a moment ago the time to become known.
  return [...(await cluster.topics(names)).values()]
}

function describe({ name, internal, partitions, topicId }: TopicMetadata): TopicDescription {
  return {
    name,
    internal,
    partitionCount: partitions.length,
    replicationFactor: partitions[0]?.replicaIds.length ?? 0,
    topicId: topicId === ZERO_UUID ? undefined : topicId
  }
}

export async function createTopics(
  session: AdminSession,
  topics: readonly NewTopic[]
): Promise<ReadonlyMap<string, 'created' | 'exists'>> {
  const results = new Map<string, 'created' | 'exists'>()
  const open = new Map(topics.map(topic => [topic.name, topic]))
  if (open.size === 0) return results
  await session.retry('creating topics', async () => {
    const answer = await session.cluster.request(CONTROLLER, CreateTopics, {
      topics: [...open.values()].map(({ name, partitionCount, replicationFactor, configs }) => ({
        name,
        numPartitions: partitionCount,
        replicationFactor,
        assignments: [],
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value }))
      })),
      timeoutMs: BROKER_TIMEOUT_MS
    })
    let passing: StreamsError | undefined
    for (const { name, errorCode, errorMessage } of answer.topics) {
      const error = kafkaError(errorCode)
      if (error.name === 'NONE') results.set(name, 'created')
      else if (error.name === 'TOPIC_ALREADY_EXISTS') results.set(name, 'exists')
      else {
        const problem = topicError('TOPIC_CREATE_FAILED', 'Creating', name, errorCode, errorMessage)
        if (!isPassing(error)) throw problem
        passing = problem
        continue
      }
      open.delete(name)
    }
    if (passing === undefined) return { done: true, value: undefined }
    session.cluster.forgetCoordinator(CONTROLLER)
    return { done: false, error: passing }
  })
  // Whoever asks next finds them, with leaders: a loaded broker learns of them seconds after the controller.
  await session.retry('looking for created topics', async () => {
    const known = await session.cluster.topics([...results.keys()])
    const unknown = [...results.keys()].find(name => !known.has(name))
    if (unknown === undefined) return { done: true, value: undefined }
    return { done: false, error: unknownError(unknown) }
  })
  return results
}

function unknownError(topic: string): StreamsError {
  return new StreamsError(
    'TOPIC_CREATE_FAILED',
    `Topic '${topic}' was created, but the brokers do not know it yet. See how they are, and try again.`,
    { details: { topic } }
  )
}

export async function deleteTopics(session: AdminSession, names: readonly string[]): Promise<void> {
  const open = new Set(names)
  if (open.size === 0) return
  await session.retry('deleting topics', async () => {
    const answer = await session.cluster.request(CONTROLLER, DeleteTopics, {
      topics: [...open].map(name => ({ name, topicId: ZERO_UUID })),
      topicNames: [...open],
      timeoutMs: BROKER_TIMEOUT_MS
    })
    let passing: StreamsError | undefined
    for (const { name, errorCode, errorMessage } of answer.responses) {
      const error = kafkaError(errorCode)
      const topic = name ?? ''
      if (error.name !== 'NONE' && error.name !== 'UNKNOWN_TOPIC_OR_PARTITION') {
        const problem = topicError('TOPIC_DELETE_FAILED', 'Deleting', topic, errorCode, errorMessage)
        if (!isPassing(error)) throw problem
        passing = problem
        continue
      }
      open.delete(topic)
    }
    if (passing === undefined) return { done: true, value: undefined }
    session.cluster.forgetCoordinator(CONTROLLER)
    return { done: false, error: passing }
  })
  // Forgets them.
  await session.retry('reading deleted topics', async () => ({
    done: true,
    value: await session.cluster.refresh(names)
  }))
}

/** Effective values, defaults included. Secrets, which the broker does not tell, are left out, and so are topics that do not exist. */
export async function describeTopicConfigs(
  session: AdminSession,
  names: readonly string[]
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  if (names.length === 0) return new Map()
  return await session.retry('describing topic configs', async () => {
    const answer = await session.cluster.request({ any: true }, DescribeConfigs, {
      resources: names.map(resourceName => ({ resourceType: TOPIC_RESOURCE, resourceName, configurationKeys: null }))
    })
    const found = new Map<string, ReadonlyMap<string, string>>()
    for (const { errorCode, errorMessage, resourceName, configs } of answer.results) {
      const error = kafkaError(errorCode)
      if (error.name === 'UNKNOWN_TOPIC_OR_PARTITION') continue
      if (error.name !== 'NONE') {
        const problem = topicError(
          'CLIENT_PROTOCOL_ERROR',
          'Describing the configs of',
          resourceName,
          errorCode,
          errorMessage
        )
        if (isPassing(error)) return { done: false, error: problem }
        throw problem
      }
      const values = new Map<string, string>()
      for (const { name, value } of configs) if (value !== null) values.set(name, value)
      found.set(resourceName, values)
    }
    return { done: true, value: found }
  })
}

function isPassing(error: { readonly name: string; readonly retriable: boolean }): boolean {
  return error.retriable || error.name === 'NOT_CONTROLLER' || error.name === 'THROTTLING_QUOTA_EXCEEDED'
}
