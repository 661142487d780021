import { StreamsError } from '@millrace/streams/core'
import type { AssignorMember, AssignorResult, TopicPartition } from '@millrace/streams/ports'
import { partitionKey } from './partition-set.ts'

/**
 * Checks in the leader what every assignor must keep, whoever wrote it: results for members only, one owner for each partition, and none
 * handed over before its holder gave it up (KIP-429). A mistake here would let two members process the same records.
 *
 * @throws StreamsError `GROUP_ASSIGNMENT_INVALID`
 */
export function checkAssignment(
  assignorName: string,
  members: readonly AssignorMember[],
  results: ReadonlyMap<string, AssignorResult>
): void {
  const known = new Set(members.map(member => member.memberId))
  const holders = newestHolders(members)
  const assigned = new Map<string, string>()
  for (const [memberId, { partitions }] of results) {
    if (!known.has(memberId)) throw invalid(assignorName, `gave partitions to '${memberId}', who is not in the group`)
    for (const partition of partitions) {
      const key = partitionKey(partition)
      const other = assigned.get(key)
      if (other !== undefined) throw twice(assignorName, partition, other, memberId)
      assigned.set(key, memberId)
      const held = holders.get(key)
      const holder = held?.memberIds.find(each => each !== memberId)
      if (holder !== undefined) {
        throw invalid(
          assignorName,
          `gave ${partition.topic}-${partition.partition} to '${memberId}' while '${holder}' still holds it`
        )
      }
    }
  }
}

interface Holders {
  readonly generationId: number
  readonly memberIds: string[]
}

/** By partition, the members whose claim is of the newest generation. */
function newestHolders(members: readonly AssignorMember[]): Map<string, Holders> {
  const holders = new Map<string, Holders>()
  for (const { memberId, generationId, owned } of members) {
    for (const partition of owned) {
      const key = partitionKey(partition)
      const known = holders.get(key)
      if (known === undefined || known.generationId < generationId)
        holders.set(key, { generationId, memberIds: [memberId] })
      else if (known.generationId === generationId) known.memberIds.push(memberId)
    }
  }
  return holders
}

function twice(assignorName: string, { topic, partition }: TopicPartition, one: string, other: string): StreamsError {
  return invalid(assignorName, `gave ${topic}-${partition} to both '${one}' and '${other}'`)
}

function invalid(assignorName: string, what: string): StreamsError {
  return new StreamsError(
    'GROUP_ASSIGNMENT_INVALID',
    `The assignor '${assignorName}' ${what}. This is a defect of the assignor.`,
    {
      details: { assignor: assignorName }
    }
  )
}
