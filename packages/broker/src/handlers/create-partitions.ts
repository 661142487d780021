import { CreatePartitions, type DecodedRequestOf } from '@millrace/protocol'
import type { BrokerServices } from '../broker-services.ts'
import { ErrorCode } from '../error-code.ts'
import { MAX_PARTITIONS, replicasProblem } from './create-topics.ts'
import type { Handler } from './handler.ts'
import { duplicatesIn, type Refusal, refusal } from './refusal.ts'

type Asked = DecodedRequestOf<typeof CreatePartitions>['topics'][number]

/** Gives topics more partitions, at once. */
export const createPartitions: Handler<typeof CreatePartitions> = {
  api: CreatePartitions,
  versions: [0, 3],
  handle({ topics, validateOnly }, { broker }) {
    const twice = duplicatesIn(topics.map(({ name }) => name))
    const once = topics.filter(({ name }) => !twice.has(name))
    return {
      throttleTimeMs: 0,
      results: [
        ...[...twice].map(name => ({ name, ...refusal(ErrorCode.INVALID_REQUEST, 'Duplicate topic name.') })),
        ...once.map(asked => {
          const problem = problemOf(asked, broker)
          if (problem !== undefined) return { name: asked.name, ...problem }
          const topic = broker.topics.byName(asked.name)
          if (topic !== undefined && !validateOnly) broker.topics.addPartitions(topic, asked.count)
          return { name: asked.name, errorCode: ErrorCode.NONE, errorMessage: null }
        })
      ]
    }
  }
}

function problemOf({ name, count, assignments }: Asked, { topics, nodeId }: BrokerServices): Refusal | undefined {
  const topic = topics.byName(name)
  if (topic === undefined) {
    return refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, null)
  }
  const present = topic.partitions.length
  if (count === present) return refusal(ErrorCode.INVALID_PARTITIONS, `Topic already has ${present} partition(s).`)
  if (count < present) {
    const message = `The topic ${name} currently has ${present} partition(s); ${count} would not be an increase.`
    return refusal(ErrorCode.INVALID_PARTITIONS, message)
  }
  if (count > MAX_PARTITIONS) {
    const message = `The embedded broker makes at most ${MAX_PARTITIONS} partitions of a topic, not ${count}.`
    return refusal(ErrorCode.INVALID_PARTITIONS, message)
  }
  if (assignments === null) return undefined
  const added = count - present
  if (assignments.length !== added) {
    const message = `Attempted to add ${added} additional partition(s), but only ${assignments.length} assignment(s) were specified.`
    return refusal(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)
  }
  for (const { brokerIds } of assignments) {
    const problem = replicasProblem(brokerIds, nodeId)
    if (problem !== undefined) return problem
  }
  return undefined
}
