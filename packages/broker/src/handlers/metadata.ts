import { type DecodedRequestOf, Metadata, type ResponseInputOf, ZERO_UUID } from '@millrace/protocol'
import { CLUSTER_OPERATIONS, TOPIC_OPERATIONS } from '../authorized-operations.ts'
import type { BrokerServices } from '../broker-services.ts'
import { ErrorCode } from '../error-code.ts'
import type { Topic } from '../topics/topic.ts'
import { topicNameProblem } from '../topics/topics.ts'
import type { Handler } from './handler.ts'

type Request = DecodedRequestOf<typeof Metadata>
type AnsweredTopic = ResponseInputOf<typeof Metadata>['topics'][number]

/** Topics may be asked for by id from version 12 on; the two before only tell ids. */
const TOPIC_IDS_ASKED_FROM = 12
const TOPIC_IDS_TOLD_FROM = 10

/** Describes the broker and topics. A missing topic that may be created is described in the same answer. */
export const metadata: Handler<typeof Metadata> = {
  api: Metadata,
  versions: [0, 13],
  handle(request, { version, broker }) {
    const { advertised, nodeId } = broker
    return {
      brokers: [{ nodeId, host: advertised.host, port: advertised.port, rack: null }],
      clusterId: broker.clusterId,
      controllerId: nodeId,
      topics: answeredTopics(request, version, broker),
      ...(request.includeClusterAuthorizedOperations ? { clusterAuthorizedOperations: CLUSTER_OPERATIONS } : {})
    }
  }
}

function answeredTopics(request: Request, version: number, broker: BrokerServices): AnsweredTopic[] {
  const operations = request.includeTopicAuthorizedOperations
  // Version 0 has no null: there an empty list means all.
  if (request.topics === null || (version === 0 && request.topics.length === 0)) {
    return [...broker.topics.all()].map(topic => described(topic, broker.nodeId, operations))
  }
  const mayCreate = request.allowAutoTopicCreation && broker.config.autoCreateTopics
  const answered: AnsweredTopic[] = []
  const seen = new Set<string>()
  for (const { name, topicId } of request.topics) {
    if (seen.has(name ?? topicId)) continue
    seen.add(name ?? topicId)
    const byId = topicId !== ZERO_UUID
    const asksByIdTooEarly = version >= TOPIC_IDS_TOLD_FROM && version < TOPIC_IDS_ASKED_FROM && (byId || name === null)
    if (asksByIdTooEarly || (name === null && !byId)) {
      answered.push(unknown(name ?? '', topicId, ErrorCode.INVALID_REQUEST))
    } else if (byId && version >= TOPIC_IDS_ASKED_FROM) {
      const topic = broker.topics.byId(topicId)
      answered.push(
        topic === undefined
          ? unknown(null, topicId, ErrorCode.UNKNOWN_TOPIC_ID)
          : described(topic, broker.nodeId, operations)
      )
    } else {
      answered.push(byName(name as string, mayCreate, operations, broker))
    }
  }
  return answered
}

function byName(name: string, mayCreate: boolean, operations: boolean, broker: BrokerServices): AnsweredTopic {
  const topic = broker.topics.byName(name)
  if (topic !== undefined) return described(topic, broker.nodeId, operations)
  if (topicNameProblem(name) !== undefined) return unknown(name, ZERO_UUID, ErrorCode.INVALID_TOPIC_EXCEPTION)
  if (!mayCreate) return unknown(name, ZERO_UUID, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  if (broker.topics.collisionOf(name) !== undefined) return unknown(name, ZERO_UUID, ErrorCode.INVALID_TOPIC_EXCEPTION)
  return described(broker.topics.create(name, broker.config.defaultPartitionCount), broker.nodeId, operations)
}

function described(topic: Topic, nodeId: number, operations: boolean): AnsweredTopic {
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: false,
    partitions: topic.partitions.map((log, partitionIndex) => ({
      errorCode: ErrorCode.NONE,
      partitionIndex,
      leaderId: nodeId,
      leaderEpoch: log.leaderEpoch,
      replicaNodes: [nodeId],
      isrNodes: [nodeId],
      offlineReplicas: []
    })),
    ...(operations ? { topicAuthorizedOperations: TOPIC_OPERATIONS } : {})
  }
}

function unknown(name: string | null, topicId: string, errorCode: number): AnsweredTopic {
  return { errorCode, name, topicId, isInternal: false, partitions: [] }
}
