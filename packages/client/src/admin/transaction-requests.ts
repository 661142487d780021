import {
  DescribeCluster,
  DescribeProducers,
  DescribeTransactions,
  InitProducerId,
  kafkaError,
  ListTransactions,
  WriteTxnMarkers
} from '@millrace/protocol'
import { StreamsError } from '@millrace/streams/core'
import type { TopicPartition } from '@millrace/streams/ports'
import { topicError } from './admin-errors.ts'
import type { AdminSession, Attempt } from './admin-session.ts'

/** States as Kafka words them: `Empty`, `Ongoing`, `PrepareCommit`, `PrepareAbort`, `CompleteCommit`, `CompleteAbort`, `Dead`. */
export interface TransactionListing {
  readonly transactionalId: string
  readonly state: string
  readonly producerId: bigint
}

export interface TransactionDescription extends TransactionListing {
  readonly producerEpoch: number
  readonly timeoutMs: number
  /** When the open transaction began, by the broker's clock; undefined when none is open. */
  readonly startTimeMs: number | undefined
  /** Those with records of it, by topic and number. */
  readonly partitions: readonly TopicPartition[]
}

/** A producer that a partition remembers. */
export interface ActiveProducer extends TopicPartition {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly lastTimestampMs: number
  /** -1: no transaction of it has ended in this partition. */
  readonly coordinatorEpoch: number
  /** The first offset of its open transaction; undefined when none is open. */
  readonly transactionStartOffset: number | undefined
}

/** Every broker is asked, as each coordinates some of the ids. */
export async function listTransactions(
  session: AdminSession,
  filter: { readonly states?: readonly string[]; readonly producerIds?: readonly bigint[] }
): Promise<readonly TransactionListing[]> {
  const brokers = await session.retry('Listing brokers', async () => {
    const answer = await session.cluster.request({ any: true }, DescribeCluster, {
      includeClusterAuthorizedOperations: false
    })
    return outcome('Listing brokers', answer.errorCode, answer.brokers)
  })
  const body = { stateFilters: [...(filter.states ?? [])], producerIdFilters: [...(filter.producerIds ?? [])] }
  const lists = await Promise.all(
    brokers.map(({ brokerId: nodeId }) =>
      session.retry(`Listing the transactions of broker ${nodeId}`, async () => {
        const answer = await session.cluster.request({ nodeId }, ListTransactions, body)
        if (answer.unknownStateFilters.length > 0) {
          throw new StreamsError(
            'CONFIG_INVALID',
            `Kafka knows no transaction state ${answer.unknownStateFilters.map(state => `'${state}'`).join(', ')}. There are Empty, Ongoing, ` +
              'PrepareCommit, PrepareAbort, CompleteCommit and CompleteAbort.',
            { details: { states: answer.unknownStateFilters } }
          )
        }
        return outcome(
          `Listing the transactions of broker ${nodeId}`,
          answer.errorCode,
          answer.transactionStates.map(({ transactionalId, transactionState, producerId }) => ({
            transactionalId,
            state: transactionState,
            producerId
          }))
        )
      })
    )
  )
  return lists.flat().sort((a, b) => (a.transactionalId < b.transactionalId ? -1 : 1))
}

/** @returns undefined: there is no such transactional id. */
export async function describeTransaction(
  session: AdminSession,
  transactionalId: string
): Promise<TransactionDescription | undefined> {
  const doing = `Describing transactional id '${transactionalId}'`
  const target = { transactionCoordinator: transactionalId }
  return await session.retry<TransactionDescription | undefined>(doing, async () => {
    const answer = await session.cluster.request(target, DescribeTransactions, { transactionalIds: [transactionalId] })
    const [found] = answer.transactionStates
    const { name } = kafkaError(found?.errorCode ?? -1)
    if (name === 'TRANSACTIONAL_ID_NOT_FOUND') return { done: true, value: undefined }
    if (name !== 'NONE' || found === undefined) {
      session.cluster.forgetCoordinator(target)
      return outcome(doing, found?.errorCode ?? -1, undefined)
    }
    return {
      done: true,
      value: {
        transactionalId,
        state: found.transactionState,
        producerId: found.producerId,
        producerEpoch: found.producerEpoch,
        timeoutMs: found.transactionTimeoutMs,
        startTimeMs: found.transactionStartTimeMs < 0 ? undefined : found.transactionStartTimeMs,
        // Brokers tell them in the order of a hash map.
        partitions: found.topics
          .toSorted((a, b) => (a.topic < b.topic ? -1 : 1))
          .flatMap(({ topic, partitions }) =>
            partitions.toSorted((a, b) => a - b).map(partition => ({ topic, partition }))
          )
      }
    }
  })
}

/**
 * Takes a transactional id over, as a new producer of that id would: whoever had it is fenced, and what it had open is aborted
 * when this resolves.
 *
 * @see Kafka `Admin#fenceProducers`
 */
export async function fenceProducer(
  session: AdminSession,
  { transactionalId, timeoutMs }: Pick<TransactionDescription, 'transactionalId' | 'timeoutMs'>
): Promise<{ readonly producerId: bigint; readonly producerEpoch: number }> {
  const doing = `Fencing transactional id '${transactionalId}'`
  const target = { transactionCoordinator: transactionalId }
  return await session.retry(doing, async () => {
    const { errorCode, producerId, producerEpoch } = await session.cluster.request(target, InitProducerId, {
      transactionalId,
      transactionTimeoutMs: timeoutMs
    })
    const { name } = kafkaError(errorCode)
    if (name === 'NOT_COORDINATOR' || name === 'COORDINATOR_NOT_AVAILABLE') session.cluster.forgetCoordinator(target)
    return outcome(doing, errorCode, { producerId, producerEpoch })
  })
}

/** The producers that partitions remember, in the order of the partitions. */
export async function describeProducers(
  session: AdminSession,
  partitions: readonly TopicPartition[]
): Promise<readonly ActiveProducer[]> {
  const found = await Promise.all(partitions.map(partition => producersOf(session, partition)))
  return found.flat()
}

async function producersOf(
  session: AdminSession,
  { topic, partition }: TopicPartition
): Promise<readonly ActiveProducer[]> {
  const doing = `Describing the producers of partition ${partition} of`
  return await session.retry(`${doing} '${topic}'`, async () => {
    const nodeId = await leaderOf(session, doing, { topic, partition })
    const answer = await session.cluster.request({ nodeId }, DescribeProducers, {
      topics: [{ name: topic, partitionIndexes: [partition] }]
    })
    const [found] = answer.topics[0]?.partitions ?? []
    if (found === undefined || found.errorCode !== 0)
      return await refused(session, doing, topic, found?.errorCode ?? -1)
    return {
      done: true,
      value: found.activeProducers.map(producer => ({
        topic,
        partition,
        producerId: producer.producerId,
        producerEpoch: producer.producerEpoch,
        lastTimestampMs: producer.lastTimestamp,
        coordinatorEpoch: producer.coordinatorEpoch,
        transactionStartOffset: producer.currentTxnStartOffset < 0 ? undefined : producer.currentTxnStartOffset
      }))
    }
  })
}

/**
 * Writes an abort marker into one partition, whether or not a coordinator knows of the transaction.
 *
 * @see Kafka `Admin#abortTransaction`
 */
export async function abortInPartition(
  session: AdminSession,
  { topic, partition, producerId, producerEpoch, coordinatorEpoch }: ActiveProducer
): Promise<void> {
  const doing = `Aborting the transaction of producer ${producerId} in partition ${partition} of`
  await session.retry(`${doing} '${topic}'`, async () => {
    const nodeId = await leaderOf(session, doing, { topic, partition })
    const answer = await session.cluster.request({ nodeId }, WriteTxnMarkers, {
      markers: [
        {
          producerId,
          producerEpoch,
          transactionResult: false,
          topics: [{ name: topic, partitionIndexes: [partition] }],
          coordinatorEpoch: Math.max(0, coordinatorEpoch)
        }
      ]
    })
    const errorCode = answer.markers[0]?.topics[0]?.partitions[0]?.errorCode ?? -1
    if (errorCode !== 0) return await refused(session, doing, topic, errorCode)
    return { done: true, value: undefined }
  })
}

async function leaderOf(session: AdminSession, doing: string, { topic, partition }: TopicPartition): Promise<number> {
  const known = (await session.cluster.topics([topic])).get(topic)
  if (known?.partitions[partition] === undefined) {
    const what =
      known === undefined
        ? 'it does not exist'
        : `it has ${known.partitions.length} partitions, not a partition ${partition}`
    throw new StreamsError('TOPIC_MISSING', `${doing} topic '${topic}' failed: ${what}. Correct its name.`, {
      details: { topic, partition }
    })
  }
  const leader = session.cluster.leader(topic, partition)
  if (leader !== undefined) return leader.nodeId
  await session.cluster.refresh([topic])
  throw topicError('CLIENT_REQUEST_FAILED', doing, topic, LEADER_NOT_AVAILABLE, null)
}

const LEADER_NOT_AVAILABLE = 5

async function refused<T>(session: AdminSession, doing: string, topic: string, errorCode: number): Promise<Attempt<T>> {
  const error = kafkaError(errorCode)
  const fallback = error.retriable ? 'CLIENT_REQUEST_FAILED' : 'CLIENT_PROTOCOL_ERROR'
  const failure = topicError(fallback, doing, topic, errorCode, null)
  if (!error.retriable) throw failure
  await session.cluster.refresh([topic])
  return { done: false, error: failure }
}

function outcome<T>(doing: string, errorCode: number, value: T): Attempt<T> {
  if (errorCode === 0) return { done: true, value }
  const error = kafkaError(errorCode)
  const details = { kafkaError: error.name, kafkaErrorCode: errorCode }
  const what = `${doing} failed: ${error.name}, ${error.message.replace(/\.$/, '')}.`
  if (error.name.endsWith('AUTHORIZATION_FAILED')) {
    throw new StreamsError(
      'CLIENT_AUTHORIZATION_FAILED',
      `${what} Grant DESCRIBE, and WRITE to end one, on the transactional id to the user the client authenticates as.`,
      { details }
    )
  }
  // The transaction that this fences is being ended.
  const passes = error.retriable || error.name === 'CONCURRENT_TRANSACTIONS'
  if (!passes) throw new StreamsError('CLIENT_PROTOCOL_ERROR', `${what} The broker's log says more.`, { details })
  return { done: false, error: new StreamsError('CLIENT_REQUEST_FAILED', `${what} Try again later.`, { details }) }
}
