import { CreateTopics, type DecodedRequestOf, type ResponseInputOf, ZERO_UUID } from '@millrace/protocol'
import type { BrokerServices } from '../broker-services.ts'
import { ErrorCode } from '../error-code.ts'
import { randomUuid } from '../random-uuid.ts'
import { Topic } from '../topics/topic.ts'
import { settingProblem, TOPIC_SETTINGS } from '../topics/topic-settings.ts'
import { topicNameProblem } from '../topics/topics.ts'
import type { Handler } from './handler.ts'
import { duplicatesIn, type Refusal, refusal } from './refusal.ts'
import { settingSource } from './setting-source.ts'

type NewTopic = DecodedRequestOf<typeof CreateTopics>['topics'][number]
type Answered = ResponseInputOf<typeof CreateTopics>['topics'][number]

/**
 * Creates topics, at once. Replicas placed by hand must all be on this broker. Partitions per topic: 10,000 at most.
 */
export const createTopics: Handler<typeof CreateTopics> = {
  api: CreateTopics,
  versions: [2, 7],
  handle({ topics, validateOnly }, { broker }) {
    const twice = duplicatesIn(topics.map(({ name }) => name))
    const once = topics.filter(({ name }) => !twice.has(name))
    return {
      throttleTimeMs: 0,
      topics: [
        ...[...twice].map(name => refused(name, refusal(ErrorCode.INVALID_REQUEST, 'Duplicate topic name.'))),
        ...once.map(topic => create(topic, validateOnly, broker))
      ]
    }
  }
}

export const MAX_PARTITIONS = 10_000

function create(asked: NewTopic, validateOnly: boolean, broker: BrokerServices): Answered {
  const { name } = asked
  const problem = nameProblem(name, broker) ?? settingsProblem(asked) ?? placementProblem(asked, broker)
  if (problem !== undefined) return refused(name, problem)
  const { config } = broker
  const settings = new Map(asked.configs.map(({ name: setting, value }) => [setting, value as string]))
  const partitionCount =
    asked.assignments.length > 0
      ? asked.assignments.length
      : asked.numPartitions === -1
        ? config.defaultPartitionCount
        : asked.numPartitions
  const topic = validateOnly
    ? new Topic(name, randomUuid(broker.random), settings, config.topicDefaults)
    : broker.topics.create(name, partitionCount, settings)
  return {
    name,
    topicId: topic.id,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    numPartitions: partitionCount,
    replicationFactor: 1,
    configs: [...TOPIC_SETTINGS.values()].map(setting => ({
      name: setting.name,
      value: topic.settingOf(setting.name),
      readOnly: false,
      configSource: settingSource(topic, setting, config),
      isSensitive: false
    }))
  }
}

function nameProblem(name: string, { topics }: BrokerServices): Refusal | undefined {
  const wrong = topicNameProblem(name)
  if (wrong !== undefined) return refusal(ErrorCode.INVALID_TOPIC_EXCEPTION, wrong)
  if (topics.byName(name) !== undefined) {
    return refusal(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`)
  }
  const other = topics.collisionOf(name)
  if (other === undefined) return undefined
  return refusal(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic '${name}' collides with existing topic: ${other}`)
}

function placementProblem(asked: NewTopic, { nodeId }: BrokerServices): Refusal | undefined {
  const { assignments, numPartitions, replicationFactor } = asked
  if (assignments.length > 0) {
    const what = 'A manual partition assignment was specified, but'
    if (replicationFactor !== -1) {
      return refusal(ErrorCode.INVALID_REQUEST, `${what} replication factor was not set to -1.`)
    }
    if (numPartitions !== -1) return refusal(ErrorCode.INVALID_REQUEST, `${what} numPartitions was not set to -1.`)
    return assignmentProblem(asked, nodeId)
  }
  if (replicationFactor < -1 || replicationFactor === 0) {
    const message = 'Replication factor must be larger than 0, or -1 to use the default value.'
    return refusal(ErrorCode.INVALID_REPLICATION_FACTOR, message)
  }
  if (numPartitions < -1 || numPartitions === 0) {
    const message = 'Number of partitions was set to an invalid non-positive value.'
    return refusal(ErrorCode.INVALID_PARTITIONS, message)
  }
  if (numPartitions > MAX_PARTITIONS) {
    const message = `The embedded broker makes at most ${MAX_PARTITIONS} partitions of a topic, not ${numPartitions}.`
    return refusal(ErrorCode.INVALID_PARTITIONS, message)
  }
  if (replicationFactor > 1) {
    const message =
      `Unable to replicate the partition ${replicationFactor} time(s): The target replication factor of ` +
      `${replicationFactor} cannot be reached because only 1 broker(s) are registered.`
    return refusal(ErrorCode.INVALID_REPLICATION_FACTOR, message)
  }
  return undefined
}

function assignmentProblem({ assignments }: NewTopic, nodeId: number): Refusal | undefined {
  const indexes = new Set(assignments.map(({ partitionIndex }) => partitionIndex))
  if (indexes.size < assignments.length) {
    return refusal(ErrorCode.INVALID_REPLICA_ASSIGNMENT, 'Found multiple manual partition assignments for a partition')
  }
  for (const { brokerIds } of assignments) {
    const problem = replicasProblem(brokerIds, nodeId)
    if (problem !== undefined) return problem
  }
  for (let index = 0; index < assignments.length; index++) {
    if (indexes.has(index)) continue
    const message = 'partitions should be a consecutive 0-based integer sequence.'
    return refusal(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)
  }
  return undefined
}

/** What is wrong with replicas that were placed by hand. */
export function replicasProblem(brokerIds: readonly number[], nodeId: number): Refusal | undefined {
  const wrong = (message: string): Refusal => refusal(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)
  if (brokerIds.length === 0) return wrong('The manual partition assignment includes an empty replica list.')
  const stranger = brokerIds.find(id => id !== nodeId)
  if (stranger !== undefined) {
    return wrong(`The manual partition assignment includes broker ${stranger}, but no such broker is registered.`)
  }
  if (brokerIds.length > 1)
    return wrong(`The manual partition assignment includes the broker ${nodeId} more than once.`)
  return undefined
}

function settingsProblem({ configs }: NewTopic): Refusal | undefined {
  const nulls = configs.filter(({ value }) => value === null).map(({ name }) => name)
  if (nulls.length > 0) {
    return refusal(ErrorCode.INVALID_CONFIG, `Null value not supported for topic configs: ${nulls.join(',')}`)
  }
  for (const { name, value } of configs) {
    const wrong = settingProblem(name, value as string)
    if (wrong !== undefined) return refusal(ErrorCode.INVALID_CONFIG, wrong)
  }
  return undefined
}

function refused(name: string, { errorCode, errorMessage }: Refusal): Answered {
  return { name, topicId: ZERO_UUID, errorCode, errorMessage, numPartitions: -1, replicationFactor: -1, configs: [] }
}
