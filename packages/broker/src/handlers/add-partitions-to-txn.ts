import { AddPartitionsToTxn, type DecodedRequestOf } from '@millrace/protocol'
import type { BrokerServices } from '../broker-services.ts'
import { ErrorCode } from '../error-code.ts'
import { OFFSETS_TOPIC } from '../transactions/offsets-partition.ts'
import { fencedError } from './fenced-error.ts'
import type { Handler } from './handler.ts'

type TransactionRequest = DecodedRequestOf<typeof AddPartitionsToTxn>['transactions'][number]
type NamedTopics = TransactionRequest['topics']

/** Up to here a client adds to one transaction; above, brokers ask each other about several. */
const ONE_TRANSACTION_UP_TO = 3

/** Adds partitions to transactions, or tells whether they are in. One partition that is missing keeps all out. */
export const addPartitionsToTxn: Handler<typeof AddPartitionsToTxn> = {
  api: AddPartitionsToTxn,
  versions: [0, 5],
  handle(request, { version, broker }) {
    if (version > ONE_TRANSACTION_UP_TO) {
      return {
        resultsByTransaction: request.transactions.map(transaction => ({
          transactionalId: transaction.transactionalId,
          topicResults: add(broker, transaction, version)
        }))
      }
    }
    const transaction = {
      transactionalId: request.v3AndBelowTransactionalId,
      producerId: request.v3AndBelowProducerId,
      producerEpoch: request.v3AndBelowProducerEpoch,
      verifyOnly: false,
      topics: request.v3AndBelowTopics
    }
    return { resultsByTopicV3AndBelow: add(broker, transaction, version) }
  }
}

function add({ topics: known, transactions }: BrokerServices, transaction: TransactionRequest, version: number) {
  const { transactionalId, verifyOnly, topics } = transaction
  const exists = (topic: string, partition: number) =>
    topic === OFFSETS_TOPIC || known.partition(topic, partition) !== undefined
  const partitions = topics.flatMap(({ name, partitions: indexes }) =>
    indexes.map(partition => ({ topic: name, partition }))
  )
  if (!partitions.every(({ topic, partition }) => exists(topic, partition))) {
    return results(topics, (topic, partition) =>
      exists(topic, partition) ? ErrorCode.OPERATION_NOT_ATTEMPTED : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    )
  }
  if (verifyOnly) {
    const asked = topics.filter(topic => topic.partitions.length > 0)
    return results(asked, (topic, partition) =>
      transactions.verifyPartition(transactionalId, transaction, { topic, partition })
    )
  }
  const errorCode = transactions.addPartitions(transactionalId, transaction, partitions)
  return results(topics, () => fencedError(errorCode, version, 2))
}

function results(topics: NamedTopics, errorOf: (topic: string, partition: number) => number) {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map(partitionIndex => ({
      partitionIndex,
      partitionErrorCode: errorOf(name, partitionIndex)
    }))
  }))
}
