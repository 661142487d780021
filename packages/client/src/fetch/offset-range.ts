import { ListOffsets } from '@millrace/protocol'
import type { Cluster } from '../cluster.ts'
import { KafkaErrorCode } from '../kafka-error-code.ts'

const EARLIEST = -2
const LATEST = -1

/** Where a partition begins and ends now; undefined while its leader does not say. An answer that refuses an offset does not tell. */
export async function readOffsetRange(
  cluster: Cluster,
  lane: string,
  topic: string,
  partition: number
): Promise<{ readonly logStartOffset: number; readonly highWatermark: number } | undefined> {
  // A broker refuses the same partition twice in one request.
  const [logStartOffset, highWatermark] = await Promise.all([
    readOffset(cluster, lane, topic, partition, EARLIEST),
    readOffset(cluster, lane, topic, partition, LATEST)
  ])
  if (logStartOffset === undefined || highWatermark === undefined) return undefined
  return { logStartOffset, highWatermark }
}

async function readOffset(
  cluster: Cluster,
  lane: string,
  topic: string,
  partition: number,
  timestamp: number
): Promise<number | undefined> {
  const leader = cluster.leader(topic, partition)
  if (leader === undefined) return undefined
  const answer = await cluster.request(
    { nodeId: leader.nodeId },
    ListOffsets,
    {
      replicaId: -1,
      isolationLevel: 0,
      topics: [
        {
          name: topic,
          partitions: [{ partitionIndex: partition, currentLeaderEpoch: leader.leaderEpoch, timestamp }]
        }
      ],
      timeoutMs: 30_000
    },
    { lane }
  )
  const found = answer.topics[0]?.partitions[0]
  return found?.errorCode === KafkaErrorCode.NONE ? found.offset : undefined
}
