import type { GroupMember } from '@millrace/streams/ports'
import { ClassicGroupMember } from './group-member.ts'
import type { GroupMemberDependencies } from './group-session.ts'

export type { GroupMemberDependencies } from './group-session.ts'

/**
 * Joins a classic consumer group and stays in it until `leave`. Begins at once; the listener hears of the outcome.
 *
 * @see KIP-62 (background heartbeats), KIP-345 (static members), KIP-394 (member ids), KIP-429 (incremental rebalances)
 */
export function createGroupMember(dependencies: GroupMemberDependencies): GroupMember {
  return new ClassicGroupMember(dependencies)
}
