import type { Api, DecodedRequestOf, ResponseInputOf } from '@millrace/protocol'
import * as protocol from '@millrace/protocol'
import { joinError, syncError } from '../groups/classic-group.ts'
import { commitAnswer } from '../groups/group-offsets.ts'

type Refusal<A extends Api> = (request: DecodedRequestOf<A>, errorCode: number, version: number) => ResponseInputOf<A>

const throttleTimeMs = 0
const errorMessage = null
const records = null
const REFUSALS = new Map<string, Refusal<Api>>()

function refuse<A extends Api>(api: A, refusal: Refusal<A>): void {
  REFUSALS.set(api.name, refusal as Refusal<Api>)
}

/**
 * An answer that says only that it failed, of everything asked for.
 *
 * @returns undefined for a kind that has no place for an error.
 * @see Kafka `AbstractRequest#getErrorResponse`
 */
export function errorAnswer(
  api: Api,
  request: unknown,
  errorCode: number,
  version: number
): ResponseInputOf<Api> | undefined {
  return REFUSALS.get(api.name)?.(request as DecodedRequestOf<Api>, errorCode, version)
}

/** Whether requests of this kind can be failed. */
export function canFail(apiName: string): boolean {
  return REFUSALS.has(apiName)
}

// ── records ────────────────────────────────────────────────────────────────────────────────────────────────────────

refuse(protocol.Produce, ({ topicData }, errorCode) => ({
  responses: topicData.map(({ name, partitionData }) => ({
    name,
    partitionResponses: partitionData.map(({ index }) => ({ index, errorCode, baseOffset: -1 }))
  }))
}))

refuse(protocol.WriteTxnMarkers, ({ markers }, errorCode) => ({
  markers: markers.map(({ producerId, topics }) => ({
    producerId,
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map(partitionIndex => ({ partitionIndex, errorCode }))
    }))
  }))
}))

refuse(protocol.Fetch, ({ topics }, errorCode) => ({
  throttleTimeMs,
  errorCode: 0,
  responses: topics.map(({ topic, topicId, partitions }) => ({
    topic,
    topicId,
    partitions: partitions.map(({ partition }) => ({
      partitionIndex: partition,
      errorCode,
      highWatermark: -1,
      abortedTransactions: null,
      records
    }))
  }))
}))

refuse(protocol.ListOffsets, ({ topics }, errorCode) => ({
  topics: topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode }))
  }))
}))

refuse(protocol.DeleteRecords, ({ topics }, errorCode) => ({
  throttleTimeMs,
  topics: topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, lowWatermark: -1, errorCode }))
  }))
}))

refuse(protocol.OffsetForLeaderEpoch, ({ topics }, errorCode) => ({
  throttleTimeMs,
  topics: topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition }) => ({ partition, errorCode }))
  }))
}))

refuse(protocol.DescribeProducers, ({ topics }, errorCode) => ({
  topics: topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map(partitionIndex => ({ partitionIndex, errorCode, activeProducers: [] }))
  }))
}))

// ── topics and settings ────────────────────────────────────────────────────────────────────────────────────────────

refuse(protocol.Metadata, ({ topics }, errorCode) => ({
  brokers: [],
  topics: (topics ?? []).map(({ name, topicId }) => ({ errorCode, name, topicId, partitions: [] })),
  errorCode
}))

refuse(protocol.CreateTopics, ({ topics }, errorCode) => ({
  throttleTimeMs,
  topics: topics.map(({ name }) => ({
    name,
    topicId: protocol.ZERO_UUID,
    errorCode,
    errorMessage,
    topicConfigErrorCode: 0,
    configs: null
  }))
}))

refuse(protocol.DeleteTopics, ({ topics, topicNames }, errorCode, version) => ({
  throttleTimeMs,
  responses:
    version >= 6
      ? topics.map(({ name, topicId }) => ({ name, topicId, errorCode }))
      : topicNames.map(name => ({ name, errorCode }))
}))

refuse(protocol.CreatePartitions, ({ topics }, errorCode) => ({
  throttleTimeMs,
  results: topics.map(({ name }) => ({ name, errorCode }))
}))

refuse(protocol.DescribeConfigs, ({ resources }, errorCode) => ({
  throttleTimeMs,
  results: resources.map(({ resourceType, resourceName }) => ({
    errorCode,
    errorMessage,
    resourceType,
    resourceName,
    configs: []
  }))
}))

const refuseChange: Refusal<typeof protocol.AlterConfigs | typeof protocol.IncrementalAlterConfigs> = (
  { resources },
  errorCode
) => ({
  throttleTimeMs,
  responses: resources.map(({ resourceType, resourceName }) => ({
    errorCode,
    errorMessage,
    resourceType,
    resourceName
  }))
})
refuse(protocol.AlterConfigs, refuseChange)
refuse(protocol.IncrementalAlterConfigs, refuseChange)

refuse(protocol.DescribeCluster, (_request, errorCode) => ({ throttleTimeMs, errorCode, clusterId: '', brokers: [] }))

// ── groups ─────────────────────────────────────────────────────────────────────────────────────────────────────────

refuse(protocol.FindCoordinator, ({ coordinatorKeys }, errorCode) => ({
  errorCode,
  errorMessage,
  nodeId: -1,
  host: '',
  port: -1,
  coordinators: coordinatorKeys.map(key => ({ key, nodeId: -1, host: '', port: -1, errorCode, errorMessage }))
}))

refuse(protocol.JoinGroup, ({ memberId }, errorCode, version) => ({
  ...joinError(memberId, errorCode),
  protocolName: version < 7 ? '' : null
}))

refuse(protocol.SyncGroup, (_request, errorCode) => syncError(errorCode))
refuse(protocol.Heartbeat, (_request, errorCode) => ({ errorCode }))
refuse(protocol.LeaveGroup, (_request, errorCode) => ({ errorCode, members: [] }))
refuse(protocol.ListGroups, (_request, errorCode) => ({ errorCode, groups: [] }))
refuse(protocol.OffsetCommit, ({ topics }, errorCode) => commitAnswer(topics, errorCode))

refuse(protocol.OffsetFetch, ({ topics, groups }, errorCode) => ({
  topics: (topics ?? []).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map(partitionIndex => ({
      partitionIndex,
      committedOffset: -1,
      metadata: '',
      errorCode
    }))
  })),
  errorCode,
  groups: groups.map(({ groupId }) => ({ groupId, topics: [], errorCode }))
}))

refuse(protocol.OffsetDelete, (_request, errorCode) => ({ errorCode, topics: [] }))

refuse(protocol.DescribeGroups, ({ groups }, errorCode) => ({
  groups: groups.map(groupId => ({
    errorCode,
    groupId,
    groupState: '',
    protocolType: '',
    protocolData: '',
    members: []
  }))
}))

refuse(protocol.DeleteGroups, ({ groupsNames }, errorCode) => ({
  throttleTimeMs,
  results: groupsNames.map(groupId => ({ groupId, errorCode }))
}))

// ── transactions ───────────────────────────────────────────────────────────────────────────────────────────────────

const NO_IDENTITY = { producerId: -1n, producerEpoch: -1 }

refuse(protocol.InitProducerId, (_request, errorCode) => ({ throttleTimeMs, errorCode, ...NO_IDENTITY }))
refuse(protocol.EndTxn, (_request, errorCode) => ({ throttleTimeMs, errorCode, ...NO_IDENTITY }))
refuse(protocol.AddOffsetsToTxn, (_request, errorCode) => ({ throttleTimeMs, errorCode }))

refuse(protocol.TxnOffsetCommit, ({ topics }, errorCode) => ({ throttleTimeMs, ...commitAnswer(topics, errorCode) }))

refuse(protocol.AddPartitionsToTxn, ({ v3AndBelowTopics, transactions }, errorCode) => {
  const results = (topics: typeof v3AndBelowTopics) =>
    topics.map(({ name, partitions }) => ({
      name,
      resultsByPartition: partitions.map(partitionIndex => ({ partitionIndex, partitionErrorCode: errorCode }))
    }))
  return {
    resultsByTopicV3AndBelow: results(v3AndBelowTopics),
    resultsByTransaction: transactions.map(({ transactionalId, topics }) => ({
      transactionalId,
      topicResults: results(topics)
    }))
  }
})

refuse(protocol.DescribeTransactions, ({ transactionalIds }, errorCode) => ({
  transactionStates: transactionalIds.map(transactionalId => ({
    errorCode,
    transactionalId,
    transactionState: '',
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: 0n,
    producerEpoch: 0,
    topics: []
  }))
}))

refuse(protocol.ListTransactions, (_request, errorCode) => ({
  errorCode,
  unknownStateFilters: [],
  transactionStates: []
}))
