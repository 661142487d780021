import type {
  DecodedRequestOf,
  DeleteGroups,
  DescribeGroups,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  ResponseInputOf,
  SyncGroup,
  TxnOffsetCommit
} from '@millrace/protocol'

export type JoinRequest = DecodedRequestOf<typeof JoinGroup>
export type JoinAnswer = ResponseInputOf<typeof JoinGroup>
export type SyncRequest = DecodedRequestOf<typeof SyncGroup>
export type SyncAnswer = ResponseInputOf<typeof SyncGroup>
export type HeartbeatRequest = DecodedRequestOf<typeof Heartbeat>
export type LeaveRequest = DecodedRequestOf<typeof LeaveGroup>
export type LeaveAnswer = ResponseInputOf<typeof LeaveGroup>
export type OffsetCommitRequest = DecodedRequestOf<typeof OffsetCommit>
export type TxnOffsetCommitRequest = DecodedRequestOf<typeof TxnOffsetCommit>
export type OffsetFetchGroup = DecodedRequestOf<typeof OffsetFetch>['groups'][number]
export type OffsetFetchGroupAnswer = NonNullable<ResponseInputOf<typeof OffsetFetch>['groups']>[number]
export type OffsetDeleteRequest = DecodedRequestOf<typeof OffsetDelete>
export type OffsetDeleteAnswer = ResponseInputOf<typeof OffsetDelete>
export type GroupDescription = ResponseInputOf<typeof DescribeGroups>['groups'][number]
export type ListGroupsRequest = DecodedRequestOf<typeof ListGroups>
export type ListedGroup = ResponseInputOf<typeof ListGroups>['groups'][number]
export type DeletedGroup = ResponseInputOf<typeof DeleteGroups>['results'][number]

/** Who sent a request, as far as groups care. */
export interface GroupClient {
  readonly clientId: string
  /** As Kafka shows it: `/127.0.0.1`. */
  readonly clientHost: string
  readonly version: number
}
