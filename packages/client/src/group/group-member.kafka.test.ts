import { LeaveGroup } from '@millrace/protocol'
import { isStreamsError, StreamsError } from '@millrace/streams/core'
import {
  type GroupListener,
  type GroupMember,
  type GroupOptions,
  type KafkaAdmin,
  SILENT_LOGGER
} from '@millrace/streams/ports'
import { systemClock, systemRandom } from '@millrace/streams/runtime'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { type Admin, AssignerProtocol, Kafka, logLevel } from 'kafkajs'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { createAdmin } from '../admin/index.ts'
import type { Cluster } from '../cluster.ts'
import { createCluster } from '../index.ts'
import { createGroupMember } from './index.ts'
import { partitionKey } from './partition-set.ts'
import { Signal } from './signal.ts'
import { plainAssignor } from './test-support/plain-assignor.ts'

const addresses = process.env.KAFKA_BROKERS?.split(',')
const prefix = `group-test-${Math.floor(systemRandom() * 2 ** 32).toString(36)}`
const topic = `${prefix}-input`
/** The shortest that brokers allow by default. */
const SESSION_TIMEOUT_MS = 6_000

let cluster: Cluster
let admin: KafkaAdmin
let kafkajsAdmin: Admin
let members: LiveMember[] = []
let groupCount = 0
const groupIds: string[] = []
const changed = new Signal()

/** A member over a connection that can be cut, and what its listener was told. */
class LiveMember {
  readonly events: string[] = []
  readonly held = new Set<string>()
  readonly member: GroupMember
  cut = false
  fatal: Error | undefined
  holdRevocation: Promise<void> = Promise.resolve()

  constructor(
    groupId: string,
    partitionCount: () => number,
    options: Partial<GroupOptions> = {},
    metadataMaxAgeMs = 60_000
  ) {
    const own: Cluster = {
      ...bound(cluster),
      request: (target, api, body, requestOptions) =>
        this.cut
          ? Promise.reject(new StreamsError('CLIENT_REQUEST_FAILED', 'cut off by the test'))
          : cluster.request(target, api, body, requestOptions)
    }
    const listener: GroupListener = {
      onRevoked: async partitions => {
        await this.holdRevocation
        for (const each of partitions) this.held.delete(partitionKey(each))
        this.#note(`revoked ${partitions.map(({ partition }) => partition).join(',')}`)
      },
      onAssigned: async added => {
        for (const each of added) this.held.add(partitionKey(each))
        this.#note(`assigned ${added.map(({ partition }) => partition).join(',')}`)
      },
      onLost: async partitions => {
        for (const each of partitions) this.held.delete(partitionKey(each))
        this.#note(`lost ${partitions.map(({ partition }) => partition).join(',')}`)
      },
      onFatal: error => {
        this.fatal = error
        this.#note('fatal')
      }
    }
    this.member = createGroupMember({
      cluster: own,
      clock: systemClock,
      random: systemRandom,
      logger: SILENT_LOGGER,
      metadataMaxAgeMs,
      options: {
        groupId,
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        heartbeatIntervalMs: 200,
        rebalanceTimeoutMs: 20_000,
        topics: () => [topic],
        assignor: plainAssignor(() =>
          Array.from({ length: partitionCount() }, (_, partition) => ({ topic, partition }))
        ),
        listener,
        ...options
      }
    })
    members.push(this)
  }

  #note(event: string): void {
    this.events.push(event.trim())
    changed.notify()
  }
}

function bound(inner: Cluster): Cluster {
  return {
    request: (target, api, body, options) => inner.request(target, api, body, options),
    versionFor: (target, api, options) => inner.versionFor(target, api, options),
    topics: names => inner.topics(names),
    allTopics: () => inner.allTopics(),
    leader: (name, partition) => inner.leader(name, partition),
    cachedTopic: name => inner.cachedTopic(name),
    refresh: names => inner.refresh(names),
    forgetCoordinator: target => inner.forgetCoordinator(target),
    closeLane: lane => inner.closeLane(lane),
    close: () => inner.close()
  }
}

function newGroupId(): string {
  const groupId = `${prefix}-${groupCount++}`
  groupIds.push(groupId)
  return groupId
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await changed.wait()
}

/** Each partition held once, all in one generation. */
function complete(these: readonly LiveMember[], partitionCount = 6): boolean {
  const held = these.flatMap(each => [...each.held])
  const generations = new Set(these.map(({ member }) => member.metadata?.generationId))
  return held.length === partitionCount && new Set(held).size === partitionCount && generations.size === 1
}

beforeAll(async () => {
  if (addresses === undefined) throw new Error('KAFKA_BROKERS is not set: it names the broker that this test talks to.')
  const transport = kafkajsTransport({ brokers: addresses, clientId: 'group-test' })
  cluster = createCluster({ transport, clock: systemClock, random: systemRandom, logger: SILENT_LOGGER })
  admin = createAdmin({ cluster, clock: systemClock, random: systemRandom, logger: SILENT_LOGGER })
  kafkajsAdmin = new Kafka({ brokers: addresses, logLevel: logLevel.NOTHING }).admin()
  await kafkajsAdmin.connect()
  await admin.createTopics([{ name: topic, partitionCount: 6, replicationFactor: 1, configs: {} }])
})

afterEach(async () => {
  await Promise.all(members.map(({ member }) => member.leave()))
  members = []
})

afterAll(async () => {
  await admin.deleteTopics([topic])
  for (const groupId of groupIds) {
    await admin.deleteGroup(groupId).catch((error: unknown) => {
      // A static member stays until its session ends; the group then goes with the broker's own clean-up.
      if (!isStreamsError(error, 'GROUP_NOT_EMPTY')) throw error
    })
  }
  await kafkajsAdmin.disconnect()
  await cluster.close()
})

it('grows from one to three members and shrinks to two; what stays with a member is never revoked', async () => {
  const groupId = newGroupId()
  const one = new LiveMember(groupId, () => 6)
  await until(() => complete([one]))
  expect(one.events).toEqual(['assigned 0,1,2,3,4,5'])
  expect(one.member.metadata?.groupId).toBe(groupId)

  const two = new LiveMember(groupId, () => 6)
  const three = new LiveMember(groupId, () => 6)
  await until(() => complete([one, two, three]) && one.held.size === 2 && two.held.size === 2)
  const revoked = one.events.filter(event => event.startsWith('revoked')).flatMap(event => event.slice(8).split(','))
  expect(revoked).toHaveLength(4)
  for (const key of one.held) expect(revoked).not.toContain(key.slice(topic.length + 1))

  const described = await admin.describeGroup(groupId)
  expect(described.state).toBe('Stable')
  expect(new Set(described.members.map(({ memberId }) => memberId))).toEqual(
    new Set([one, two, three].map(({ member }) => member.metadata?.memberId))
  )
  expect(described.members[0]?.clientId).toBe('group-test')

  const before = [one, two].map(each => ({ each, events: each.events.length, kept: [...each.held] }))
  await three.member.leave()
  await until(() => complete([one, two]))
  for (const { each, events, kept } of before) {
    expect(each.events.slice(events).filter(event => !event.startsWith('assigned'))).toEqual([])
    expect([...each.held]).toEqual(expect.arrayContaining(kept))
  }
})

it('speaks Kafka’s own format: other tools see each member’s topics and partitions', async () => {
  const groupId = newGroupId()
  const one = new LiveMember(groupId, () => 6)
  await until(() => complete([one]))
  const { groups } = await kafkajsAdmin.describeGroups([groupId])
  expect(groups[0]).toMatchObject({ protocolType: 'consumer', protocol: 'plain-1', state: 'Stable' })
  const [member] = groups[0]?.members ?? []
  const metadata = AssignerProtocol.MemberMetadata.decode(member?.memberMetadata as Buffer)
  expect(metadata?.topics).toEqual([topic])
  const assignment = AssignerProtocol.MemberAssignment.decode(member?.memberAssignment as Buffer)
  expect(assignment?.assignment).toEqual({ [topic]: [0, 1, 2, 3, 4, 5] })
})

it('expels a member that stops heart-beating; it learns that it is lost and comes back as soon as it can', async () => {
  const groupId = newGroupId()
  const one = new LiveMember(groupId, () => 6)
  const two = new LiveMember(groupId, () => 6)
  await until(() => complete([one, two]) && one.held.size === 3)
  one.cut = true
  await until(() => two.held.size === 6)
  // It knew before the other was given its partitions.
  expect(one.events.at(-1)).toMatch(/^lost \d,\d,\d$/)
  expect(one.member.metadata).toBeUndefined()
  one.cut = false
  await until(() => complete([one, two]) && one.held.size === 3)
})

it('is lost when the coordinator does not know it any more', async () => {
  const groupId = newGroupId()
  const one = new LiveMember(groupId, () => 6)
  await until(() => complete([one]))
  const memberId = one.member.metadata?.memberId ?? ''
  await cluster.request({ groupCoordinator: groupId }, LeaveGroup, { groupId, memberId, members: [{ memberId }] })
  await until(() => one.events.at(-1) === 'lost 0,1,2,3,4,5')
  await until(() => complete([one]))
  expect(one.member.metadata?.memberId).not.toBe(memberId)
})

it('comes back as a static member without a rebalance, and fences its predecessor', async () => {
  const groupId = newGroupId()
  const one = new LiveMember(groupId, () => 6, { groupInstanceId: 'a' })
  const two = new LiveMember(groupId, () => 6, { groupInstanceId: 'b' })
  await until(() => complete([one, two]) && one.held.size === 3)
  const generationId = two.member.metadata?.generationId
  const held = [...one.held].sort()
  const eventsOfTwo = two.events.length
  await one.member.leave()

  const again = new LiveMember(groupId, () => 6, { groupInstanceId: 'a' })
  await until(() => again.events.length > 0)
  expect([...again.held].sort()).toEqual(held)
  expect(again.member.metadata?.generationId).toBe(generationId)
  expect(two.events).toHaveLength(eventsOfTwo)

  const usurper = new LiveMember(groupId, () => 6, { groupInstanceId: 'a' })
  await until(() => again.fatal !== undefined && usurper.events.length > 0)
  expect(again.fatal).toMatchObject({ code: 'GROUP_INSTANCE_FENCED' })
  expect(again.events.slice(-2)[0]).toMatch(/^lost/)
})

it('stays a member through a revocation that takes longer than the session', async () => {
  const groupId = newGroupId()
  const one = new LiveMember(groupId, () => 6)
  await until(() => complete([one]))
  one.holdRevocation = new Promise(resolve => {
    systemClock.setTimer(SESSION_TIMEOUT_MS + 2_000, resolve)
  })
  const two = new LiveMember(groupId, () => 6)
  await until(() => complete([one, two]) && one.held.size === 3)
  expect(one.events.filter(event => event.startsWith('lost'))).toEqual([])
})

it('takes the new partitions of a topic that grows', async () => {
  const groupId = newGroupId()
  const growing = `${prefix}-growing`
  await admin.createTopics([{ name: growing, partitionCount: 1, replicationFactor: 1, configs: {} }])
  try {
    const partitions = () =>
      Array.from({ length: cluster.cachedTopic(growing)?.partitions.length ?? 0 }, (_, partition) => ({
        topic: growing,
        partition
      }))
    const options = { topics: () => [growing], assignor: plainAssignor(partitions) }
    const one = new LiveMember(groupId, () => 0, options, 300)
    await until(() => complete([one], 1))
    await kafkajsAdmin.createPartitions({ topicPartitions: [{ topic: growing, count: 3 }] })
    await until(() => complete([one], 3))
    expect(one.events.filter(event => event !== 'assigned')).toEqual(['assigned 0', 'assigned 1,2'])
  } finally {
    await admin.deleteTopics([growing])
  }
})

it('gives up when the group is used by another kind of consumer', async () => {
  const groupId = newGroupId()
  const one = new LiveMember(groupId, () => 6)
  await until(() => complete([one]))
  const other = new LiveMember(groupId, () => 6, { assignor: { ...plainAssignor(() => []), name: 'other' } })
  await until(() => other.fatal !== undefined)
  expect(other.fatal).toMatchObject({ code: 'GROUP_PROTOCOL_INCONSISTENT' })
})
