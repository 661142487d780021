import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../error-code.ts'
import { StorageError } from '../storage/log-storage.ts'
import { GroupRig, settle } from './test-support/group-rig.ts'

describe('joining', () => {
  it('sends a new member away once, with an id to come back with', async () => {
    const rig = new GroupRig()
    const first = await rig.join().promise
    expect(first).toMatchObject({ errorCode: ErrorCode.MEMBER_ID_REQUIRED, generationId: -1, members: [] })
    expect(first.memberId).toMatch(/^client-.{20}/)
    const joined = rig.join({ memberId: first.memberId })
    rig.clock.advance(0)
    const answer = await joined.promise
    expect(answer).toMatchObject({ errorCode: 0, generationId: 1, leader: first.memberId, protocolName: 'range' })
    expect(answer.members.map(({ memberId }) => memberId)).toEqual([first.memberId])
  })

  it('lets a client from before KIP-394 in at once', async () => {
    const rig = new GroupRig()
    const joined = rig.join({ version: 3 })
    rig.clock.advance(0)
    expect(await joined.promise).toMatchObject({ errorCode: 0, generationId: 1 })
  })

  it('forgets an id that nobody comes back with', async () => {
    const rig = new GroupRig()
    const { memberId } = await rig.join().promise
    rig.clock.advance(10_000)
    expect(await rig.join({ memberId }).promise).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID })
  })

  it('holds up a round for an id given out, until it comes or its time is over', async () => {
    const rig = new GroupRig()
    const [leader = ''] = await rig.stable(1)
    await rig.join().promise
    const rejoined = rig.join({ memberId: leader })
    await settle()
    expect(rejoined.answer).toBeUndefined()
    rig.clock.advance(10_000)
    expect(await rejoined.promise).toMatchObject({ generationId: 2 })
  })

  it('waits in an empty group for the initial delay, prolonged by each who comes', async () => {
    const rig = new GroupRig({ groupInitialRebalanceDelayMs: 3000 })
    const one = await rig.joinNew()
    rig.clock.advance(2000)
    const two = await rig.joinNew()
    rig.clock.advance(1000)
    await settle()
    expect(one.joined.answer).toBeUndefined()
    rig.clock.advance(3000)
    await settle()
    expect(one.joined.answer?.members).toHaveLength(2)
    expect(two.joined.answer).toMatchObject({ generationId: 1, leader: one.memberId, members: [] })
  })

  it('refuses session time-outs out of bounds, an empty group id, an unknown member, and a protocol that does not fit', async () => {
    const rig = new GroupRig({ groupMaxSize: 1 })
    const error = async (options: Parameters<GroupRig['join']>[0]) => (await rig.join(options).promise).errorCode
    expect(await error({ sessionTimeoutMs: 5999 })).toBe(ErrorCode.INVALID_SESSION_TIMEOUT)
    expect(await error({ sessionTimeoutMs: 1_800_001 })).toBe(ErrorCode.INVALID_SESSION_TIMEOUT)
    expect(await error({ groupId: '' })).toBe(ErrorCode.INVALID_GROUP_ID)
    expect(await error({ memberId: 'nobody' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(await error({ protocols: {} })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect(await error({ protocolType: '' })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    await rig.stable(1)
    expect(await error({})).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED)
  })

  it('refuses a member that shares no protocol with the others', async () => {
    const rig = new GroupRig()
    await rig.stable(1)
    const { errorCode } = await rig.join({ protocols: { roundrobin: 't' } }).promise
    expect(errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  })

  it('lets anyone into a group that lost its last member in the middle of a round', async () => {
    const rig = new GroupRig()
    rig.join({ groupInstanceId: 'a', protocols: { odd: 't' } })
    await rig.join({ protocols: { odd: 't' } }).promise
    rig.clock.advance(0)
    rig.join({ groupInstanceId: 'a', protocols: { odd: 't' } })
    rig.coordinator.leave('g', [{ memberId: '', groupInstanceId: 'a' }])
    expect(rig.state).toBe('PreparingRebalance')
    expect(rig.memberIds).toEqual([])
    rig.join({ groupInstanceId: 'b', protocols: { range: 't' } })
    expect(rig.memberIds).toHaveLength(1)
  })

  it('selects the protocol with most votes among those that all know', async () => {
    const rig = new GroupRig()
    const ids = []
    for (let i = 0; i < 3; i++) ids.push((await rig.join().promise).memberId)
    const preferences = [
      { sticky: 't', range: 't', roundrobin: 't' },
      { range: 't', roundrobin: 't' },
      { roundrobin: 't', range: 't' }
    ]
    const joins = ids.map((memberId, i) => rig.join({ memberId, protocols: preferences[i] as Record<string, string> }))
    rig.clock.advance(0)
    // sticky is not known to all, so the first member's vote goes to range.
    expect((await joins[0]?.promise)?.protocolName).toBe('range')
  })
})

describe('rounds', () => {
  it('asks members by their heartbeats to join again, and removes whoever does not within the rebalance time-out', async () => {
    const rig = new GroupRig()
    const [leader = '', slow = ''] = await rig.stable(2, { sessionTimeoutMs: 300_000 })
    const rejoined = rig.join({ memberId: leader, sessionTimeoutMs: 300_000 })
    expect(rig.heartbeat(slow, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    rig.clock.advance(59_999)
    await settle()
    expect(rejoined.answer).toBeUndefined()
    rig.clock.advance(1)
    await settle()
    expect(rejoined.answer?.members.map(({ memberId }) => memberId)).toEqual([leader])
    expect(rig.heartbeat(slow, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('elects one who joined when the leader does not', async () => {
    const rig = new GroupRig()
    const [leader = '', other = ''] = await rig.stable(2, { sessionTimeoutMs: 300_000 })
    const rejoined = rig.join({ memberId: other, protocols: { range: 'u' }, sessionTimeoutMs: 300_000 })
    rig.clock.advance(60_000)
    expect(await rejoined.promise).toMatchObject({ leader: other, generationId: 2 })
    expect(rig.memberIds).not.toContain(leader)
  })

  it('gives everybody the assignment when the leader brings it, and again whoever asks later', async () => {
    const rig = new GroupRig()
    const one = await rig.joinNew()
    const two = await rig.joinNew()
    rig.clock.advance(0)
    await two.joined.promise
    const follower = rig.sync(two.memberId, 1)
    await settle()
    expect(follower.answer).toBeUndefined()
    expect(rig.state).toBe('CompletingRebalance')
    const leader = await rig.sync(one.memberId, 1, { [one.memberId]: 'a', [two.memberId]: 'b' }).promise
    expect(Buffer.from(leader.assignment).toString()).toBe('a')
    expect(await follower.promise).toMatchObject({ errorCode: 0, protocolType: 'consumer', protocolName: 'range' })
    expect(rig.state).toBe('Stable')
    const again = await rig.sync(two.memberId, 1).promise
    expect(Buffer.from(again.assignment).toString()).toBe('b')
  })

  it('cancels syncs that wait when somebody joins meanwhile', async () => {
    const rig = new GroupRig()
    await rig.joinNew()
    const two = await rig.joinNew()
    rig.clock.advance(0)
    await two.joined.promise
    const waiting = rig.sync(two.memberId, 1)
    await rig.joinNew()
    expect(await waiting.promise).toMatchObject({ errorCode: ErrorCode.REBALANCE_IN_PROGRESS })
    expect(rig.state).toBe('PreparingRebalance')
  })

  it('removes members that do not fetch their assignment', async () => {
    const rig = new GroupRig()
    const one = await rig.joinNew({ sessionTimeoutMs: 300_000 })
    const two = await rig.joinNew({ sessionTimeoutMs: 300_000 })
    rig.clock.advance(0)
    await rig.sync(one.memberId, 1).promise
    rig.clock.advance(60_000)
    expect(rig.memberIds).toEqual([one.memberId])
    expect(rig.heartbeat(one.memberId, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
    expect(rig.heartbeat(two.memberId, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })

  it('answers a follower who joins again unchanged without a round, and a leader with one', async () => {
    const rig = new GroupRig()
    const [leader = '', follower = ''] = await rig.stable(2)
    expect(await rig.join({ memberId: follower }).promise).toMatchObject({ generationId: 1, leader, members: [] })
    expect(rig.state).toBe('Stable')
    rig.join({ memberId: leader })
    expect(rig.state).toBe('PreparingRebalance')
  })

  it('judges SyncGroup by member, generation and protocol', async () => {
    const rig = new GroupRig()
    const [leader = ''] = await rig.stable(1)
    const error = async (...of: Parameters<GroupRig['sync']>) => (await rig.sync(...of).promise).errorCode
    expect(await error('nobody', 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
    expect(await error(leader, 2)).toBe(ErrorCode.ILLEGAL_GENERATION)
    expect(await error(leader, 1, {}, { protocolName: 'sticky' })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect(await error(leader, 1, {}, { groupId: 'other' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })
})

describe('sessions', () => {
  it('removes a member whose heartbeats stay out, to the millisecond', async () => {
    const rig = new GroupRig()
    const [one = '', two = ''] = await rig.stable(2)
    rig.clock.advance(9000)
    expect(rig.heartbeat(one, 1)).toBe(ErrorCode.NONE)
    rig.clock.advance(999)
    expect(rig.memberIds).toEqual([one, two])
    rig.clock.advance(1)
    expect(rig.memberIds).toEqual([one])
    expect(rig.heartbeat(one, 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
  })

  it('needs no heartbeat of a member whose request it holds', async () => {
    const rig = new GroupRig()
    const [leader = '', other = ''] = await rig.stable(2)
    const rejoined = rig.join({ memberId: leader })
    for (let i = 0; i < 5; i++) {
      rig.clock.advance(9000)
      rig.heartbeat(other, 1)
    }
    expect(rig.memberIds).toEqual([leader, other])
    rig.join({ memberId: other })
    expect(await rejoined.promise).toMatchObject({ generationId: 2 })
  })

  it('counts a commit as a sign of life', async () => {
    const rig = new GroupRig()
    const [one = ''] = await rig.stable(1)
    rig.clock.advance(9000)
    expect(rig.commit('t', 1, { memberId: one, generationId: 1 })).toBe(ErrorCode.NONE)
    rig.clock.advance(9000)
    expect(rig.memberIds).toEqual([one])
  })

  it('can be ended by a test', async () => {
    const rig = new GroupRig()
    const [one = ''] = await rig.stable(2)
    expect(rig.coordinator.expireSession('g', one)).toBe(true)
    expect(rig.memberIds).not.toContain(one)
    expect(rig.coordinator.expireSession('g', one)).toBe(false)
  })
})

describe('leaving', () => {
  it('takes several out at once, each with its own error, in one round', async () => {
    const rig = new GroupRig()
    const [one = '', two = '', three = ''] = await rig.stable(3)
    const answer = rig.leave(one, 'nobody', two)
    expect(answer.members?.map(({ errorCode }) => errorCode)).toEqual([0, ErrorCode.UNKNOWN_MEMBER_ID, 0])
    const rejoined = await rig.join({ memberId: three }).promise
    expect(rejoined).toMatchObject({ generationId: 2, leader: three })
  })

  it('leaves an empty group behind, one generation on', async () => {
    const rig = new GroupRig()
    const [one = ''] = await rig.stable(1)
    rig.leave(one)
    expect(rig.state).toBe('Empty')
    const next = await rig.joinNew()
    rig.clock.advance(0)
    expect(await next.joined.promise).toMatchObject({ generationId: 3 })
  })

  it('tells a member whose join waits to begin again', async () => {
    const rig = new GroupRig()
    const [one = ''] = await rig.stable(2)
    const waiting = rig.join({ memberId: one })
    rig.leave(one)
    expect(await waiting.promise).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, memberId: '' })
  })
})

describe('static members', () => {
  async function stableStatic(rig: GroupRig): Promise<{ leader: string; other: string }> {
    const leading = rig.join({ groupInstanceId: 'a' })
    const following = rig.join({ groupInstanceId: 'b' })
    rig.clock.advance(0)
    const [{ memberId: leader }, { memberId: other }] = await Promise.all([leading.promise, following.promise])
    await rig.sync(leader, 1, { [leader]: 'A', [other]: 'B' }).promise
    return { leader, other }
  }

  it('come back without a round, to what they had', async () => {
    const rig = new GroupRig()
    const { leader, other } = await stableStatic(rig)
    const back = await rig.join({ groupInstanceId: 'b' }).promise
    expect(back).toMatchObject({ errorCode: 0, generationId: 1, leader, skipAssignment: false, members: [] })
    expect(back.memberId).not.toBe(other)
    expect(rig.state).toBe('Stable')
    expect(Buffer.from((await rig.sync(back.memberId, 1).promise).assignment).toString()).toBe('B')
    expect(rig.heartbeat(other, 1, 'b')).toBe(ErrorCode.FENCED_INSTANCE_ID)
    expect(rig.heartbeat(back.memberId, 1, 'b')).toBe(ErrorCode.NONE)
  })

  it('come back as leaders who skip the assignment, or who, from before that, are told of another', async () => {
    const rig = new GroupRig()
    const { leader } = await stableStatic(rig)
    const back = await rig.join({ groupInstanceId: 'a', version: 8 }).promise
    expect(back).toMatchObject({ leader, members: [] })
    const newer = await rig.join({ groupInstanceId: 'a', version: 9 }).promise
    expect(newer).toMatchObject({ leader: newer.memberId, skipAssignment: true })
    expect(newer.members).toHaveLength(2)
  })

  it('cause a round when the protocol changes with them, or when the leader is at work', async () => {
    const rig = new GroupRig()
    await stableStatic(rig)
    rig.join({ groupInstanceId: 'a', protocols: { sticky: 't', range: 't' } })
    expect(rig.state).toBe('Stable')
    const joined = rig.join({ groupInstanceId: 'b', protocols: { sticky: 't', range: 't' } })
    expect(rig.state).toBe('PreparingRebalance')
    expect(joined.answer).toBeUndefined()
  })

  it('fence their predecessor, also in the middle of its join', async () => {
    const rig = new GroupRig()
    const { other } = await stableStatic(rig)
    const waiting = rig.join({ memberId: other, groupInstanceId: 'b', protocols: { range: 'u' } })
    const successor = rig.join({ groupInstanceId: 'b', protocols: { range: 'u' } })
    expect(await waiting.promise).toMatchObject({ errorCode: ErrorCode.FENCED_INSTANCE_ID, memberId: other })
    await settle()
    expect(successor.answer).toBeUndefined()
  })

  it('stay through a round that they miss, until their session is over', async () => {
    const rig = new GroupRig()
    const { leader, other } = await stableStatic(rig)
    const rejoined = rig.join({ memberId: leader, groupInstanceId: 'a', rebalanceTimeoutMs: 1000 })
    rig.join({ memberId: leader, groupInstanceId: 'a', rebalanceTimeoutMs: 1000 })
    for (let i = 0; i < 8; i++) {
      rig.clock.advance(7500)
      rig.heartbeat(other, 1, 'b')
    }
    await settle()
    expect(rig.memberIds).toContain(other)
    expect(rejoined.answer).toBeUndefined()
    rig.clock.advance(10_001)
    expect(rig.memberIds).not.toContain(other)
  })

  it('are taken out by an administrator who knows the instance only', async () => {
    const rig = new GroupRig()
    const { other } = await stableStatic(rig)
    const answer = rig.coordinator.leave('g', [{ memberId: '', groupInstanceId: 'b' }])
    expect(answer.members).toEqual([{ memberId: '', groupInstanceId: 'b', errorCode: 0 }])
    expect(rig.memberIds).not.toContain(other)
  })
})

describe('administration', () => {
  it('lists, describes and deletes groups', async () => {
    const rig = new GroupRig()
    const [one = ''] = await rig.stable(1)
    rig.commit('t', 5, { groupId: 'simple' })
    expect(rig.coordinator.list({ statesFilter: ['stable'], typesFilter: [] })).toEqual([
      { groupId: 'g', protocolType: 'consumer', groupState: 'Stable', groupType: 'classic' }
    ])
    expect(rig.coordinator.list({ statesFilter: [], typesFilter: ['consumer'] })).toEqual([])
    expect(rig.coordinator.describe('g', 6)).toMatchObject({ protocolData: 'range', members: [{ memberId: one }] })
    expect(rig.coordinator.describe('none', 6)).toMatchObject({ errorCode: ErrorCode.GROUP_ID_NOT_FOUND })
    expect(rig.coordinator.describe('none', 5)).toMatchObject({ errorCode: 0, groupState: 'Dead' })
    expect(rig.coordinator.delete(['g', 'simple', 'none']).map(({ errorCode }) => errorCode)).toEqual([
      ErrorCode.NON_EMPTY_GROUP,
      0,
      ErrorCode.GROUP_ID_NOT_FOUND
    ])
    expect(rig.fetch('t', false, 'simple')).toBe(-1)
  })
})

describe('after a restart', () => {
  it('has the groups with members, assignments and generations, whose sessions run anew', async () => {
    const rig = new GroupRig()
    const [one = '', two = ''] = await rig.stable(2)
    const next = rig.restart()
    expect(next.state).toBe('Stable')
    expect(next.heartbeat(one, 1)).toBe(ErrorCode.NONE)
    expect(Buffer.from((await next.sync(two, 1).promise).assignment).toString()).toBe('1')
    next.clock.advance(10_000)
    expect(next.memberIds).toEqual([])
  })

  it('has what a rewritten journal says, which is the last complete round', async () => {
    const rig = new GroupRig()
    const [one = ''] = await rig.stable(2)
    rig.commit('t', 7, { memberId: one, generationId: 1 })
    rig.join({ memberId: one })
    rig.commitInTransaction('u', 9, 4n, { memberId: one, generationId: 1 })
    rig.journal.isLarge = true
    rig.commit('t', 8, { memberId: one, generationId: 1 })
    expect(rig.journal.lines).toHaveLength(4)
    const next = rig.restart()
    expect(next.state).toBe('Stable')
    expect(next.fetch('t')).toBe(8)
    expect(next.fetch('u', true)).toBe(`error ${ErrorCode.UNSTABLE_OFFSET_COMMIT}`)
    next.coordinator.offsets.endTransaction(4n, true)
    expect(next.fetch('u')).toBe(9)
  })

  it('does not have what was deleted', async () => {
    const rig = new GroupRig()
    rig.commit('t', 7)
    rig.coordinator.delete(['g'])
    expect(rig.restart().state).toBe('Dead')
  })
})

it('gives requests that wait up when it closes', async () => {
  const rig = new GroupRig()
  const [one = ''] = await rig.stable(2)
  const waiting = rig.join({ memberId: one })
  rig.coordinator.close()
  expect(await waiting.promise).toMatchObject({ errorCode: ErrorCode.NOT_COORDINATOR })
})

describe('a disk that is full', () => {
  it('refuses an assignment that is not written down to all who wait for it, and lets them join again', async () => {
    const rig = new GroupRig()
    const [one = '', two = ''] = await rig.stable(2)
    const joins = [one, two].map(memberId => rig.join({ memberId }))
    expect((await joins[0]?.promise)?.generationId).toBe(2)
    const follower = rig.sync(two, 2)
    rig.journal.failsAfter = 0
    const leader = rig.sync(one, 2, { [one]: 'a', [two]: 'b' })
    for (const { promise } of [follower, leader]) {
      expect(await promise).toMatchObject({ errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE })
    }
    expect(rig.state).toBe('PreparingRebalance')
    const again = [one, two].map(memberId => rig.join({ memberId }))
    expect((await again[1]?.promise)?.generationId).toBe(3)
    const synced = rig.sync(one, 3, { [two]: 'b' })
    expect((await synced.promise).errorCode).toBe(ErrorCode.NONE)
    expect(rig.restart().state).toBe('Stable')
  })

  it('lets the last member leave', async () => {
    const rig = new GroupRig()
    const [one = ''] = await rig.stable(1)
    rig.journal.failsAfter = 0
    expect(rig.leave(one).members?.[0]?.errorCode).toBe(ErrorCode.NONE)
    expect(rig.state).toBe('Empty')
  })

  it('keeps a static member whose successor cannot be written down', async () => {
    const rig = new GroupRig()
    const first = rig.join({ groupInstanceId: 'i' })
    rig.clock.advance(0)
    const { memberId } = await first.promise
    await rig.sync(memberId, 1, { [memberId]: 'a' }).promise
    rig.journal.failsAfter = 0
    const refused = await rig.join({ groupInstanceId: 'i' }).promise
    expect(refused.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    expect(rig.memberIds).toEqual([memberId])
    expect(rig.heartbeat(memberId, 1, 'i')).toBe(ErrorCode.NONE)
    const next = await rig.join({ groupInstanceId: 'i' }).promise
    expect(next).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1 })
    expect(rig.memberIds).toEqual([next.memberId])
    rig.clock.advance(10_000)
    expect(rig.memberIds).toEqual([])
  })

  it('has no group that it could not write down', async () => {
    const rig = new GroupRig()
    rig.journal.failsAfter = 0
    await expect(rig.join().promise).rejects.toThrow(StorageError)
    expect(rig.state).toBe('Dead')
    expect((await rig.join().promise).errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED)
  })
})
