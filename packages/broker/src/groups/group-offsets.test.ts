import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../error-code.ts'
import { StorageError } from '../storage/log-storage.ts'
import { GroupRig } from './test-support/group-rig.ts'

const RETENTION_MS = 604_800_000

describe('committing', () => {
  it('lets anyone commit to a group without members, and makes it', () => {
    const rig = new GroupRig()
    expect(rig.commit('t', 5)).toBe(ErrorCode.NONE)
    expect(rig.fetch('t')).toBe(5)
    expect(rig.coordinator.list({ statesFilter: [], typesFilter: [] })).toMatchObject([
      { groupId: 'g', protocolType: '', groupState: 'Empty' }
    ])
  })

  it('judges by group, member, generation and state', async () => {
    const rig = new GroupRig()
    expect(rig.commit('t', 1, { generationId: 1, memberId: 'm' })).toBe(ErrorCode.GROUP_ID_NOT_FOUND)
    const one = await rig.joinNew()
    rig.clock.advance(0)
    await one.joined.promise
    const { memberId } = one
    expect(rig.commit('t', 1, { memberId, generationId: 1 })).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    await rig.sync(memberId, 1).promise
    expect(rig.commit('t', 1, { memberId, generationId: 1 })).toBe(ErrorCode.NONE)
    expect(rig.commit('t', 1, { memberId, generationId: 2 })).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect(rig.commit('t', 1, { memberId: 'other', generationId: 1 })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(rig.commit('t', 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    await rig.join().promise
    rig.join({ memberId })
    expect(rig.commit('t', 2, { memberId, generationId: 1 })).toBe(ErrorCode.NONE)
  })

  it('refuses metadata above the limit, and keeps the other partitions', () => {
    const rig = new GroupRig({ offsetMetadataMaxSize: 3 })
    const partition = (partitionIndex: number, committedMetadata: string) => ({
      partitionIndex,
      committedOffset: 1,
      committedLeaderEpoch: -1,
      committedMetadata
    })
    const answer = rig.coordinator.offsets.commit(
      {
        groupId: 'g',
        generationIdOrMemberEpoch: -1,
        memberId: '',
        groupInstanceId: null,
        retentionTimeMs: -1,
        topics: [{ name: 't', partitions: [partition(0, 'abc'), partition(1, 'abcd')] }]
      },
      9
    )
    expect(answer.topics[0]?.partitions.map(({ errorCode }) => errorCode)).toEqual([
      0,
      ErrorCode.OFFSET_METADATA_TOO_LARGE
    ])
    expect(rig.fetch('t')).toBe(1)
  })
})

describe('in transactions', () => {
  it('shows offsets when the transaction commits, and tells meanwhile whoever requires stable ones', () => {
    const rig = new GroupRig()
    rig.commit('t', 1)
    expect(rig.commitInTransaction('t', 7, 3n)).toBe(ErrorCode.NONE)
    expect(rig.fetch('t')).toBe(1)
    expect(rig.fetch('t', true)).toBe(`error ${ErrorCode.UNSTABLE_OFFSET_COMMIT}`)
    expect(rig.fetch('other', true)).toBe(-1)
    rig.coordinator.offsets.endTransaction(3n, true)
    expect(rig.fetch('t', true)).toBe(7)
  })

  it('forgets them when it aborts', () => {
    const rig = new GroupRig()
    rig.commitInTransaction('t', 7, 3n)
    rig.coordinator.offsets.endTransaction(3n, false)
    expect(rig.fetch('t', true)).toBe(-1)
  })

  it('keeps, of two, the offset that was written later', () => {
    const rig = new GroupRig()
    rig.commitInTransaction('t', 7, 3n)
    rig.commit('t', 9)
    rig.coordinator.offsets.endTransaction(3n, true)
    expect(rig.fetch('t')).toBe(9)
  })

  it('fences by generation and member, also while a round is prepared', async () => {
    const rig = new GroupRig()
    expect(rig.commitInTransaction('t', 1, 3n, { generationId: 1 })).toBe(ErrorCode.ILLEGAL_GENERATION)
    const [one = '', two = ''] = await rig.stable(2)
    expect(rig.commitInTransaction('t', 1, 3n, { generationId: 1, memberId: one })).toBe(ErrorCode.NONE)
    expect(rig.commitInTransaction('t', 1, 3n, { generationId: 0, memberId: one })).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect(rig.commitInTransaction('t', 1, 3n, { generationId: 1, memberId: 'x' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    // A producer from before KIP-447 names no member.
    expect(rig.commitInTransaction('t', 1, 3n)).toBe(ErrorCode.NONE)
    rig.leave(one)
    expect(rig.commitInTransaction('t', 1, 3n, { generationId: 1, memberId: two })).toBe(ErrorCode.NONE)
    await rig.join({ memberId: two }).promise
    expect(rig.commitInTransaction('t', 1, 3n, { generationId: 1, memberId: two })).toBe(ErrorCode.ILLEGAL_GENERATION)
  })

  it('survive a restart, undecided or decided', () => {
    const rig = new GroupRig()
    rig.commitInTransaction('t', 7, 3n)
    rig.commitInTransaction('u', 8, 4n)
    rig.coordinator.offsets.endTransaction(4n, true)
    const next = rig.restart()
    expect(next.fetch('u', true)).toBe(8)
    expect(next.fetch('t', true)).toBe(`error ${ErrorCode.UNSTABLE_OFFSET_COMMIT}`)
    next.coordinator.offsets.endTransaction(3n, true)
    expect(next.restart().fetch('t')).toBe(7)
  })
})

describe('deleting', () => {
  const remove = (rig: GroupRig, topic: string) =>
    rig.coordinator.offsets.delete({ groupId: 'g', topics: [{ name: topic, partitions: [{ partitionIndex: 0 }] }] })

  it('leaves topics alone that members consume', async () => {
    const rig = new GroupRig()
    expect(remove(rig, 't').errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND)
    const [memberId = ''] = await rig.stable(1)
    rig.commit('t', 1, { memberId, generationId: 1 })
    rig.commit('u', 2, { memberId, generationId: 1 })
    expect(remove(rig, 't').topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC)
    expect(remove(rig, 'u').topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.NONE)
    expect([rig.fetch('t'), rig.fetch('u')]).toEqual([1, -1])
  })

  it('refuses it in a group of members whose subscriptions are unknown', async () => {
    const rig = new GroupRig()
    await rig.stable(1, { protocolType: 'connect' })
    expect(remove(rig, 't').errorCode).toBe(ErrorCode.NON_EMPTY_GROUP)
  })

  it('happens to offsets of a deleted topic, pending ones too', () => {
    const rig = new GroupRig()
    rig.commit('t', 1)
    rig.commit('u', 2)
    rig.commitInTransaction('t', 7, 3n)
    for (const deleted of rig.deletions) deleted({ name: 't' })
    rig.coordinator.offsets.endTransaction(3n, true)
    expect([rig.fetch('t'), rig.fetch('u')]).toEqual([-1, 2])
    expect(rig.restart().fetch('t')).toBe(-1)
  })
})

describe('retention', () => {
  it('counts from the end of the last member, or in a group that never had any from the commit', async () => {
    const rig = new GroupRig()
    rig.commit('t', 1, { groupId: 'simple' })
    const [memberId = ''] = await rig.stable(1, { sessionTimeoutMs: 1_800_000 })
    rig.commit('t', 2, { memberId, generationId: 1 })
    for (let beats = 0; beats * 1_700_000 < RETENTION_MS / 2; beats++) {
      rig.clock.advance(1_700_000)
      rig.heartbeat(memberId, 1)
    }
    rig.leave(memberId)
    rig.clock.advance(RETENTION_MS * 0.6)
    expect([rig.fetch('t'), rig.fetch('t', false, 'simple')]).toEqual([2, -1])
    rig.clock.advance(RETENTION_MS / 2)
    expect(rig.fetch('t')).toBe(-1)
    expect(rig.state).toBe('Dead')
  })
})

describe('a disk that is full', () => {
  const refused = (rig: GroupRig, act: () => unknown): void => {
    rig.journal.failsAfter = 0
    expect(act).toThrow(StorageError)
  }

  it('shows no offset that was refused', () => {
    const rig = new GroupRig()
    rig.commit('t', 1)
    refused(rig, () => rig.commit('t', 2))
    expect(rig.fetch('t')).toBe(1)
    refused(rig, () => rig.commitInTransaction('t', 3, 4n))
    expect(rig.fetch('t', true)).toBe(1)
    expect(rig.restart().fetch('t', true)).toBe(1)
  })

  it('takes the offsets of one request all or none', () => {
    const rig = new GroupRig()
    const partition = (partitionIndex: number) => {
      return { partitionIndex, committedOffset: 1, committedLeaderEpoch: -1, committedMetadata: '' }
    }
    const request = {
      groupId: 'g',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      retentionTimeMs: -1,
      topics: [{ name: 't', partitions: [partition(0), partition(1), partition(2)] }]
    }
    // The group itself, then its offsets.
    rig.journal.failsAfter = 2
    rig.coordinator.offsets.commit(request, 9)
    expect(rig.fetch('t')).toBe(1)
    refused(rig, () => rig.coordinator.offsets.commit({ ...request, groupId: 'other' }, 9))
    expect(rig.fetch('t', false, 'other')).toBe(-1)
    expect(rig.coordinator.list({ statesFilter: [], typesFilter: [] })).toHaveLength(1)
  })

  it('ends the offsets of a transaction at the next try, for good', () => {
    const rig = new GroupRig()
    rig.commitInTransaction('t', 7, 3n)
    refused(rig, () => rig.coordinator.offsets.endTransaction(3n, true))
    expect(rig.fetch('t')).toBe(-1)
    rig.coordinator.offsets.endTransaction(3n, true)
    expect(rig.fetch('t', true)).toBe(7)
    expect(rig.restart().fetch('t', true)).toBe(7)
  })

  it('keeps what it could not delete', () => {
    const rig = new GroupRig()
    rig.commit('t', 1)
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0 }] }]
    refused(rig, () => rig.coordinator.offsets.delete({ groupId: 'g', topics }))
    expect(rig.fetch('t')).toBe(1)
    refused(rig, () => rig.coordinator.delete(['g']))
    expect(rig.fetch('t')).toBe(1)
    expect(rig.state).toBe('Empty')
  })

  it('forgets the offsets of a topic that is gone, at the latest at the next start', () => {
    const rig = new GroupRig()
    rig.commit('t', 1)
    rig.commit('u', 2)
    rig.journal.failsAfter = 0
    for (const deleted of rig.deletions) deleted({ name: 't' })
    expect(rig.fetch('t')).toBe(-1)
    const next = rig.restart(['t'])
    expect(next.fetch('t')).toBe(-1)
    expect(next.fetch('u')).toBe(2)
    // Also once there is such a topic again.
    expect(next.restart().fetch('t')).toBe(-1)
  })

  it('goes on looking for offsets that expire', () => {
    const rig = new GroupRig({ offsetsRetentionCheckIntervalMs: 1000, offsetsRetentionMs: 1000 })
    rig.commit('t', 1)
    rig.journal.failsAfter = 0
    expect(() => rig.clock.advance(1000)).toThrow(StorageError)
    expect(rig.fetch('t')).toBe(1)
    rig.clock.advance(1000)
    expect(rig.state).toBe('Dead')
  })
})
