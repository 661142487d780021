import type { AssignorMember, AssignorResult, GroupAssignor, TopicPartition } from '@millrace/streams/ports'

/** Sticky and cooperative in the simplest way: enough to drive a group in tests. */
export function plainAssignor(partitions: () => readonly TopicPartition[]): GroupAssignor {
  return {
    name: 'plain-1',
    userData: () => new Uint8Array([1, 2, 3]),
    assign: async members => assignPlainly(members, partitions())
  }
}

function assignPlainly(
  members: readonly AssignorMember[],
  partitions: readonly TopicPartition[]
): ReadonlyMap<string, AssignorResult> {
  const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`
  const holders = new Map<string, { memberId: string; generationId: number }>()
  for (const { memberId, generationId, owned } of members) {
    for (const each of owned) {
      const known = holders.get(keyOf(each))
      if (known === undefined || known.generationId < generationId) holders.set(keyOf(each), { memberId, generationId })
    }
  }
  const mostEach = Math.ceil(partitions.length / members.length)
  const targets = new Map(members.map(member => [member.memberId, [] as TopicPartition[]]))
  const free: TopicPartition[] = []
  for (const each of partitions) {
    const list = targets.get(holders.get(keyOf(each))?.memberId ?? '')
    if (list !== undefined && list.length < mostEach) list.push(each)
    else free.push(each)
  }
  const ordered = [...targets.values()]
  for (const each of free) {
    const smallest = ordered.reduce((best, list) => (list.length < best.length ? list : best))
    smallest.push(each)
  }
  const results = new Map<string, AssignorResult>()
  for (const [memberId, list] of targets) {
    const allowed = list.filter(each => (holders.get(keyOf(each))?.memberId ?? memberId) === memberId)
    results.set(memberId, { partitions: allowed, userData: new Uint8Array([9]) })
  }
  return results
}
