import { ErrorCode } from '../error-code.ts'
import type { PartitionLog } from '../log/partition-log.ts'

/** @param epoch - The one that the client believes to be current; -1 when it says none. */
export function leaderEpochError(log: PartitionLog, epoch: number): number {
  if (epoch < 0 || epoch === log.leaderEpoch) return ErrorCode.NONE
  return epoch < log.leaderEpoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH
}
