import { describe, expect, it } from 'vitest'
import { GroupHarness, type HarnessMember } from './test-support/group-harness.ts'
import { plainAssignor } from './test-support/plain-assignor.ts'

const UNKNOWN_SERVER_ERROR = -1

describe('a group of one member', () => {
  it('takes every partition, under the generation that its metadata names', async () => {
    const harness = new GroupHarness()
    const one = harness.add('one')
    expect(one.member.rebalancing).toBe(true)
    await harness.settle()
    expect(one.events).toEqual(['assigned t/0,t/1,t/2,t/3,t/4,t/5'])
    expect(one.member.metadata).toEqual({ groupId: 'g', generationId: 1, memberId: 'm1', groupInstanceId: undefined })
    expect(one.member.rebalancing).toBe(false)
    // The id came with MEMBER_ID_REQUIRED.
    expect(one.cluster.sent).toEqual(['JoinGroup', 'JoinGroup', 'SyncGroup'])
  })

  it('tells the listener also of a rebalance that changed nothing', async () => {
    const harness = new GroupHarness()
    const one = harness.add('one')
    await harness.settle()
    one.member.rejoin()
    await harness.clock.until(() => one.member.metadata?.generationId === 2, 1_000, 'generation 2')
    await harness.settle()
    expect(one.events).toEqual(['assigned t/0,t/1,t/2,t/3,t/4,t/5', 'assigned'])
  })

  it('resolves whenStable when the rebalance under way has ended, and at once when there is none', async () => {
    const harness = new GroupHarness()
    const one = harness.add('one')
    let generationId: number | undefined
    const waited = one.member.whenStable().then(() => {
      generationId = one.member.metadata?.generationId
    })
    await harness.settle()
    await waited
    expect(generationId).toBe(1)
    await one.member.whenStable()
  })

  it('rejoins when a topic grows, and when it subscribes to another', async () => {
    const harness = new GroupHarness()
    const one = harness.add('one')
    await harness.settle()
    harness.partitionCounts.set('t', 7)
    await harness.settle()
    harness.partitionCounts.set('u', 1)
    await harness.settle()
    expect(one.events.slice(1)).toEqual(['assigned t/6', 'assigned u/0'])
  })
})

describe('members that come and go', () => {
  it('keeps what stays with a member, and hands over only what was given up', async () => {
    const harness = new GroupHarness()
    const one = harness.add('one')
    await harness.settle()
    const two = harness.add('two')
    const three = harness.add('three')
    await harness.settle()
    expect(one.held.size).toBe(2)
    const revoked = one.events.filter(event => event.startsWith('revoked'))
    // Kept partitions were never revoked: only four of the six were named.
    expect(revoked.flatMap(event => event.slice(8).split(','))).toHaveLength(4)

    const keptByTwo = [...two.held.keys()]
    const eventCount = one.events.length
    await harness.leave(one)
    await harness.settle([two, three])
    expect(one.events).toHaveLength(eventCount)
    expect(two.events.some(event => event.startsWith('revoked'))).toBe(false)
    expect([...two.held.keys()]).toEqual(expect.arrayContaining(keptByTwo))
    expect(one.member.metadata).toBeUndefined()
  })

  it('keeps the heartbeats going while a revocation takes longer than the session', async () => {
    const harness = new GroupHarness()
    const one = harness.add('one')
    await harness.settle()
    let release = (): void => {}
    one.during = event =>
      event === 'revoked'
        ? new Promise(resolve => {
            release = resolve
          })
        : Promise.resolve()
    const two = harness.add('two')
    await harness.clock.until(() => one.member.state === 'revoking', 5_000, 'revoking')
    expect(one.member.rebalancing).toBe(false)
    expect(one.member.metadata?.generationId).toBe(harness.group.generationId)
    await harness.clock.advance(15_000)
    expect(two.held.size).toBe(0)
    expect(one.member.state).toBe('revoking')
    release()
    await harness.settle()
    expect(two.held.size).toBe(3)
    expect(harness.violations).toEqual([])
  })

  it('expels a member that was cut off, which notices before its partitions are another’s', async () => {
    const harness = new GroupHarness()
    const one = harness.add('one')
    const two = harness.add('two')
    await harness.settle()
    one.cluster.cut = true
    await harness.settle([two])
    expect(one.events.at(-1)).toMatch(/^lost t\/\d,t\/\d,t\/\d$/)
    expect(one.member.metadata).toBeUndefined()
    expect(harness.violations).toEqual([])
    one.cluster.cut = false
    await harness.settle([one, two])
    expect(one.held.size).toBe(3)
  })

  it('considers itself lost when the process was stopped for longer than the session, before any timer runs', async () => {
    const harness = new GroupHarness()
    const one = harness.add('one')
    await harness.settle()
    harness.clock.jump(6_500)
    expect(one.member.metadata).toBeUndefined()
    await harness.clock.advance(1)
    expect(one.events.at(-1)).toBe('lost t/0,t/1,t/2,t/3,t/4,t/5')
    await harness.settle()
  })

  it('does not believe a heartbeat answer that waited in the socket while the process was stopped', async () => {
    const harness = new GroupHarness()
    const one = harness.add('one')
    await harness.settle()
    await harness.clock.until(() => one.cluster.sent.at(-1) === 'Heartbeat', 5_000, 'a heartbeat')
    harness.clock.jump(60_000)
    await harness.clock.advance(0)
    expect(one.member.metadata).toBeUndefined()
    await harness.clock.advance(20)
    expect(one.events.at(-1)).toMatch(/^lost/)
  })
})

describe('an answer to a heartbeat', () => {
  it('that names an illegal generation means nothing while a join is under way', async () => {
    const harness = new GroupHarness()
    const one = harness.add('one')
    const two = harness.add('two')
    await harness.settle()
    let doubted = 0
    one.cluster.fault = api =>
      api.name === 'Heartbeat' && one.member.state === 'joining' && ++doubted > 0 ? 22 : undefined
    // Two is slow to join, so that one waits for several heartbeats.
    let slow = true
    two.during = async () => {
      if (slow) await new Promise<void>(resolve => harness.clock.setTimer(3_500, resolve))
      slow = false
    }
    two.member.rejoin()
    await harness.clock.advance(100)
    harness.add('three')
    await harness.settle()
    expect(doubted).toBeGreaterThan(1)
    expect(one.events.filter(event => event.startsWith('lost'))).toEqual([])
  })

  it('that was sent under an earlier generation means nothing', async () => {
    const harness = new GroupHarness()
    const one = harness.add('one')
    let answer: ((errorCode: number) => void) | undefined
    const request = one.cluster.request.bind(one.cluster)
    one.cluster.request = (target, api, body, options) => {
      if (api.name !== 'Heartbeat' || answer !== undefined) return request(target, api, body, options)
      return new Promise(resolve => {
        answer = errorCode => resolve({ errorCode } as never)
      })
    }
    await harness.settle()
    await harness.clock.until(() => answer !== undefined, 5_000, 'a heartbeat')
    one.member.rejoin()
    await harness.clock.until(() => one.member.metadata?.generationId === 2, 5_000, 'generation 2')
    answer?.(25)
    await harness.clock.advance(2_000)
    expect(one.member.metadata?.generationId).toBe(2)
    expect(one.events.filter(event => event.startsWith('lost'))).toEqual([])
  })
})

describe('what a member tells the leader', () => {
  it('is what it holds, under the generation of its last completed rebalance, and its newest user data', async () => {
    const harness = new GroupHarness()
    let userData = 1
    const assignor = { ...plainAssignor(() => harness.partitions), userData: () => new Uint8Array([userData]) }
    const one = harness.add('one', { assignor })
    await harness.settle()
    expect(harness.subscriptionOf('m1')).toMatchObject({ generationId: -1, owned: [] })
    userData = 2
    one.member.rejoin()
    await harness.clock.until(() => one.member.metadata?.generationId === 2, 1_000, 'generation 2')
    expect(harness.subscriptionOf('m1')).toMatchObject({ generationId: 1, topics: ['t'], userData: Buffer.from([2]) })
    expect(harness.subscriptionOf('m1')?.owned).toHaveLength(6)
    harness.add('two')
    await harness.settle()
    // Three were given up under generation 3, which the last join, for generation 4, says.
    expect(harness.subscriptionOf('m1')).toMatchObject({ generationId: 3 })
    expect(harness.subscriptionOf('m1')?.owned).toHaveLength(3)
  })

  it('says again what it holds when it joins as another member, namely nothing', async () => {
    const harness = new GroupHarness()
    const one = harness.add('one')
    await harness.settle()
    harness.group.leave('m1')
    await harness.clock.until(() => one.events.some(event => event.startsWith('lost')), 5_000, 'lost')
    await harness.settle()
    expect(harness.subscriptionOf('m2')).toMatchObject({ generationId: -1, owned: [] })
  })
})

describe('static members', () => {
  it('take their partitions over after a restart without a rebalance', async () => {
    const harness = new GroupHarness()
    const one = harness.add('one', { groupInstanceId: 'a' })
    const two = harness.add('two', { groupInstanceId: 'b' })
    await harness.settle()
    const generationId = harness.group.generationId
    const held = [...one.held.keys()]
    await harness.leave(one)
    expect(one.cluster.sent).not.toContain('LeaveGroup')
    const again = harness.add('one again', { groupInstanceId: 'a' })
    await harness.settle([again, two])
    expect([...again.held.keys()]).toEqual(held)
    expect(harness.group.generationId).toBe(generationId)
  })

  it('are fenced by a second process with the same id: lost, then fatal', async () => {
    const harness = new GroupHarness()
    const one = harness.add('one', { groupInstanceId: 'a' })
    await harness.settle()
    const again = harness.add('again', { groupInstanceId: 'a' })
    await harness.clock.until(() => one.fatal !== undefined, 5_000, 'fatal')
    expect(one.events.slice(-2)).toEqual(['lost t/0,t/1,t/2,t/3,t/4,t/5', 'fatal'])
    expect(one.fatal?.message).toContain("groupInstanceId 'a'")
    expect(one.fatal).toMatchObject({ code: 'GROUP_INSTANCE_FENCED' })
    await harness.settle([again])
  })
})

describe('an error that the coordinator did not expect', () => {
  it.each(['JoinGroup', 'SyncGroup', 'Heartbeat'])('passes as an answer to %s', async api => {
    const harness = new GroupHarness()
    let failures = 3
    const one = harness.add('one', {}, member => {
      member.cluster.fault = ({ name }) => (name === api && failures-- > 0 ? UNKNOWN_SERVER_ERROR : undefined)
    })
    await harness.clock.until(() => failures < 0, 10_000, 'an answer without it')
    await harness.settle()
    expect(one.events).toEqual(['assigned t/0,t/1,t/2,t/3,t/4,t/5'])
    expect(one.cluster.forgotten).toBeGreaterThanOrEqual(3)
  })

  it.each(['JoinGroup', 'SyncGroup', 'Heartbeat'])('ends the membership where it is all that %s gets', async api => {
    const harness = new GroupHarness()
    const one = harness.add('one', {}, member => {
      member.cluster.fault = ({ name }) => (name === api ? UNKNOWN_SERVER_ERROR : undefined)
    })
    await harness.clock.until(() => one.fatal !== undefined, 20_000, 'fatal')
    expect(one.fatal).toMatchObject({ code: 'GROUP_JOIN_FAILED', details: { api, kafkaError: 'UNKNOWN_SERVER_ERROR' } })
    expect(harness.clock.monotonicMs()).toBeGreaterThan(6_000)
  })
})

describe('errors', () => {
  it.each([
    [23, 'GROUP_PROTOCOL_INCONSISTENT', /Choose another application id/],
    [26, 'CONFIG_INVALID', /sessionTimeoutMs 6000/],
    [30, 'CLIENT_AUTHORIZATION_FAILED', /Grant the operation Read/],
    [81, 'GROUP_FULL', /group\.max\.size/],
    [42, 'GROUP_JOIN_FAILED', /INVALID_REQUEST/]
  ])('gives up when a join is answered with %i, and says what to do', async (errorCode, code, text) => {
    const harness = new GroupHarness()
    const one = harness.add('one', {}, member => {
      member.cluster.fault = api => (api.name === 'JoinGroup' ? errorCode : undefined)
    })
    await harness.clock.until(() => one.fatal !== undefined, 5_000, 'fatal')
    expect(one.fatal).toMatchObject({ code })
    expect(one.fatal?.message).toMatch(text)
    expect(one.member.rebalancing).toBe(false)
  })

  it('gives up when the listener throws, with the cause, and lets the others have its partitions when it leaves', async () => {
    const harness = new GroupHarness()
    const one = harness.add('one')
    const cause = new Error('disk full')
    one.during = () => Promise.reject(cause)
    await harness.clock.until(() => one.fatal !== undefined, 5_000, 'fatal')
    expect(one.fatal).toMatchObject({ code: 'GROUP_LISTENER_FAILED', cause })
    await harness.clock.advance(0)
    await harness.leave(one)
    expect(harness.group.members.size).toBe(0)
  })

  it('gives up when the assignor gives one partition to two members', async () => {
    const harness = new GroupHarness()
    const bad = {
      name: 'plain-1',
      userData: () => new Uint8Array(),
      assign: async (members: readonly { memberId: string }[]) =>
        new Map(
          members.map(({ memberId }) => [
            memberId,
            { partitions: [{ topic: 't', partition: 0 }], userData: new Uint8Array() }
          ])
        )
    }
    const both = [harness.add('one', { assignor: bad }), harness.add('two', { assignor: bad })]
    await harness.clock.until(() => both.some(each => each.fatal !== undefined), 5_000, 'fatal')
    expect(both.find(each => each.fatal !== undefined)?.fatal).toMatchObject({ code: 'GROUP_ASSIGNMENT_INVALID' })
  })

  it.each([22, 25])('starts over when a heartbeat is answered with %i', async errorCode => {
    const harness = new GroupHarness()
    let answers = 0
    const one = harness.add('one', {}, member => {
      member.cluster.fault = api => (api.name === 'Heartbeat' && answers++ === 0 ? errorCode : undefined)
    })
    await harness.settle()
    await harness.clock.until(() => one.events.some(event => event.startsWith('lost')), 5_000, 'lost')
    expect(one.member.metadata).toBeUndefined()
    await harness.settle()
    expect(one.held.size).toBe(6)
    expect(harness.violations).toEqual([])
  })

  it.each([15, 16])('looks the coordinator up again when a request is answered with %i', async errorCode => {
    const harness = new GroupHarness()
    const one = harness.add('one', {}, member => {
      member.cluster.fault = (_api, index) => (index < 3 ? errorCode : undefined)
    })
    await harness.settle()
    expect(one.cluster.forgotten).toBe(3)
    expect(one.events).toHaveLength(1)
  })
})

/** Two stay, one joins late and leaves, a topic grows: the n-th request of `victim` meets `fault`. */
async function story(
  victim: number,
  fault: (index: number) => 'lost' | 'unanswered' | number | undefined
): Promise<GroupHarness> {
  const harness = new GroupHarness(victim + 1)
  const add = (name: string): HarnessMember =>
    harness.add(name, {}, member => {
      if (harness.members.length === victim) member.cluster.fault = (_api, index) => fault(index)
    })
  const one = add('one')
  await harness.settle()
  const two = add('two')
  const three = add('three')
  await harness.settle()
  harness.partitionCounts.set('t', 8)
  await harness.settle()
  await harness.leave(three)
  await harness.settle([one, two])
  return harness
}

describe('with the n-th request broken', () => {
  const faults = ['lost', 'unanswered', 14, 16, 22, 25, 27] as const
  it.each(faults)('%s: always reaches stable, never with two owners of a partition', async fault => {
    for (let victim = 0; victim < 3; victim++) {
      for (let broken = 0; broken < 14; broken++) {
        const harness = await story(victim, index => (index === broken ? fault : undefined))
        expect(harness.violations, `member ${victim}, request ${broken}`).toEqual([])
      }
    }
  })

  it('82: fatal or stable', async () => {
    for (let broken = 0; broken < 8; broken++) {
      const harness = new GroupHarness()
      const one = harness.add('one', {}, member => {
        member.cluster.fault = (_api, index) => (index === broken ? 82 : undefined)
      })
      await harness.clock.until(() => one.fatal !== undefined, 30_000, `fatal after request ${broken}`)
      expect(one.held.size).toBe(0)
    }
  })
})

describe('with members that join, leave, crash and are cut off at random', () => {
  it.each(Array.from({ length: 30 }, (_, seed) => seed))(
    'seed %i: one owner at a time, and all stable at the end',
    async seed => {
      const harness = new GroupHarness(seed, { t: 5, u: 3 })
      const { random } = harness
      let alive: HarnessMember[] = []
      let troubled = true
      const add = (): void => {
        const member = harness.add(`m${harness.members.length}`, { rebalanceTimeoutMs: 10_000 }, each => {
          each.cluster.fault = () => {
            const luck = troubled ? random() : 1
            return luck < 0.02 ? 'lost' : luck < 0.04 ? 'unanswered' : luck < 0.05 ? 16 : luck < 0.06 ? 27 : undefined
          }
        })
        member.during = () =>
          new Promise(resolve => {
            harness.clock.setTimer(random() * 2_000, resolve)
          })
        alive.push(member)
      }
      add()
      for (let step = 0; step < 25; step++) {
        await harness.clock.advance(random() * 4_000)
        const someone = alive[Math.floor(random() * alive.length)]
        const luck = random()
        if (someone === undefined || (luck < 0.3 && alive.length < 5)) add()
        else if (luck < 0.45) {
          await harness.leave(someone)
          alive = alive.filter(each => each !== someone)
        } else if (luck < 0.6) someone.cluster.cut = !someone.cluster.cut
        else if (luck < 0.7) someone.member.rejoin()
        else if (luck < 0.75) harness.partitionCounts.set('t', (harness.partitionCounts.get('t') ?? 0) + 1)
      }
      troubled = false
      for (const each of alive) each.cluster.cut = false
      if (alive.length === 0) add()
      await harness.settle(alive, 120_000)
      expect(harness.violations).toEqual([])
    }
  )
})
