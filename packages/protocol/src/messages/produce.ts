import { defineApi } from '../schema/api.ts'
import { array, int16, int32, int64, records, string, struct } from '../schema/field.ts'

/**
 * Appends record batches to partitions.
 *
 * 4: may answer KAFKA_STORAGE_ERROR. 7: zstd allowed. 8: tells which records were refused. 9: flexible. 10: names the
 * new leader (KIP-951). 11: may answer TRANSACTION_ABORTABLE. 12: a partition joins its transaction by this request
 * itself (transactions v2, KIP-890); with transactions v1 stay at 11 or below. 13, which names topics by id, is not
 * spoken.
 */
export const Produce = defineApi({
  key: 0,
  name: 'Produce',
  minVersion: 3,
  maxVersion: 12,
  flexibleFrom: 9,
  request: {
    transactionalId: string({ nullable: true, default: null }),
    /** -1: all in-sync replicas; 1: the leader; 0: none, and no answer is sent. */
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string(),
      partitionData: array({
        index: int32(),
        records: records({ nullable: true })
      })
    })
  },
  response: {
    responses: array({
      name: string(),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64({ default: -1 }),
        logStartOffset: int64({ from: 5, default: -1 }),
        recordErrors: array(
          {
            batchIndex: int32(),
            batchIndexErrorMessage: string({ nullable: true, default: null })
          },
          { from: 8 }
        ),
        errorMessage: string({ from: 8, nullable: true, default: null }),
        currentLeader: struct(
          {
            leaderId: int32({ default: -1 }),
            leaderEpoch: int32({ default: -1 })
          },
          { from: 10, tag: 0 }
        )
      })
    }),
    throttleTimeMs: int32({ default: 0 }),
    nodeEndpoints: array(
      {
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string({ nullable: true, default: null })
      },
      { from: 10, tag: 0 }
    )
  }
})
