import { defineApi } from '../schema/api.ts'
import { array, bigint64, int16, int32, int64, int8, records, string, struct, uuid } from '../schema/field.ts'

/**
 * Reads record batches from partitions, waiting for some if asked to.
 *
 * 5: log start offset. 7: incremental sessions. 9: leader epoch checked. 10: zstd may come back. 11: reading from
 * followers. 12: flexible; divergence of epochs detected. 13: topics by id only, no longer by name. 15: the replica's
 * own fields are tagged. 16: names the new leader (KIP-951).
 */
export const Fetch = defineApi({
  key: 1,
  name: 'Fetch',
  minVersion: 4,
  maxVersion: 17,
  flexibleFrom: 12,
  request: {
    clusterId: string({ from: 12, nullable: true, tag: 0, default: null }),
    replicaId: int32({ to: 14, default: -1 }),
    replicaState: struct(
      {
        replicaId: int32({ default: -1 }),
        replicaEpoch: int64({ default: -1 })
      },
      { from: 15, tag: 1 }
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ default: 2147483647 }),
    /** 0: read_uncommitted; 1: read_committed. */
    isolationLevel: int8({ default: 0 }),
    sessionId: int32({ from: 7, default: 0 }),
    /** -1: no session. */
    sessionEpoch: int32({ from: 7, default: -1 }),
    topics: array({
      topic: string({ to: 12 }),
      topicId: uuid({ from: 13 }),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ from: 9, default: -1 }),
        fetchOffset: int64(),
        lastFetchedEpoch: int32({ from: 12, default: -1 }),
        logStartOffset: int64({ from: 5, default: -1 }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid({ from: 17, tag: 0 })
      })
    }),
    forgottenTopicsData: array(
      {
        topic: string({ to: 12 }),
        topicId: uuid({ from: 13 }),
        partitions: array(int32())
      },
      { from: 7 }
    ),
    rackId: string({ from: 11, default: '' })
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16({ from: 7 }),
    sessionId: int32({ from: 7, default: 0 }),
    responses: array({
      topic: string({ to: 12 }),
      topicId: uuid({ from: 13 }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64({ default: -1 }),
        logStartOffset: int64({ from: 5, default: -1 }),
        divergingEpoch: struct(
          {
            epoch: int32({ default: -1 }),
            endOffset: int64({ default: -1 })
          },
          { from: 12, tag: 0 }
        ),
        currentLeader: struct(
          {
            leaderId: int32({ default: -1 }),
            leaderEpoch: int32({ default: -1 })
          },
          { from: 12, tag: 1 }
        ),
        snapshotId: struct(
          {
            endOffset: int64({ default: -1 }),
            epoch: int32({ default: -1 })
          },
          { from: 12, tag: 2 }
        ),
        abortedTransactions: array(
          {
            producerId: bigint64(),
            firstOffset: int64()
          },
          { nullable: true }
        ),
        preferredReadReplica: int32({ from: 11, default: -1 }),
        /** The last batch may be cut off. */
        records: records({ nullable: true })
      })
    }),
    nodeEndpoints: array(
      {
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string({ nullable: true, default: null })
      },
      { from: 16, tag: 0 }
    )
  }
})
