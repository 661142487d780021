import { ClassicGroup } from './classic-group.ts'
import { ClassicMember } from './classic-member.ts'
import type { StoredOffset } from './committed-offsets.ts'

/** What the group coordinator writes down. Bytes are base64, producer ids decimal text. */
export type GroupEntry = GroupSaved | GroupDeleted | OffsetStored | OffsetDeleted | TransactionEnded

export interface GroupSaved {
  readonly kind: 'group'
  readonly groupId: string
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly generationId: number
  readonly leaderId: string | null
  readonly stateSinceMs: number
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly clientId: string
    readonly clientHost: string
    readonly rebalanceTimeoutMs: number
    readonly sessionTimeoutMs: number
    readonly subscription: string
    readonly assignment: string
  }[]
}

export interface GroupDeleted {
  readonly kind: 'group-deleted'
  readonly groupId: string
}

export interface OffsetStored extends StoredOffset {
  readonly kind: 'offset'
  readonly groupId: string
  readonly topic: string
  readonly partition: number
  /** Of the transaction it is part of; null: of none. */
  readonly producerId: string | null
}

export interface OffsetDeleted {
  readonly kind: 'offset-deleted'
  readonly groupId: string
  readonly topic: string
  readonly partition: number
}

/** The offsets of a producer's transaction are committed or dropped. */
export interface TransactionEnded {
  readonly kind: 'transaction-ended'
  readonly producerId: string
  readonly committed: boolean
}

/** A group as the journal keeps it: of each member's protocols, the one selected. */
export function groupEntry(group: ClassicGroup): GroupSaved {
  return {
    kind: 'group',
    groupId: group.groupId,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    generationId: group.generationId,
    leaderId: group.leaderId,
    stateSinceMs: group.stateSinceMs,
    members: [...group.members()].map(member => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      sessionTimeoutMs: member.sessionTimeoutMs,
      subscription: Buffer.from(member.metadata(group.protocolName)).toString('base64'),
      assignment: Buffer.from(member.assignment).toString('base64')
    }))
  }
}

/** The group of an entry: stable where it has members, for their assignments were written down with them. */
export function groupOf(entry: GroupSaved): ClassicGroup {
  const group = new ClassicGroup(entry.groupId, entry.stateSinceMs, entry.members.length === 0 ? 'Empty' : 'Stable')
  for (const saved of entry.members) {
    const metadata = Buffer.from(saved.subscription, 'base64')
    const member = new ClassicMember({
      ...saved,
      protocolType: entry.protocolType ?? '',
      protocols: entry.protocolName === null ? [] : [{ name: entry.protocolName, metadata }],
      assignment: Buffer.from(saved.assignment, 'base64')
    })
    group.add(member, null)
  }
  group.protocolType = entry.protocolType
  group.protocolName = entry.protocolName
  group.generationId = entry.generationId
  group.leaderId = entry.leaderId
  group.readSubscriptions()
  return group
}
