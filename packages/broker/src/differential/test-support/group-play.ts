import {
  ConsumerProtocolSubscription,
  DeleteGroups,
  DescribeGroups,
  encodeData,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  SyncGroup
} from '@millrace/protocol'
import type { Random } from '@millrace/streams/ports'
import { WireClient } from '../../test-support/wire-client.ts'
import { errorName, Names, type Side } from './side.ts'

interface Actor {
  readonly index: number
  readonly instanceId: string | null
  readonly client: WireClient
  memberId: string
  generationId: number
  leads: boolean
  memberIds: readonly string[]
  /** A JoinGroup or SyncGroup of its that the broker holds. */
  waits: boolean
}

const ACTOR_COUNT = 3
/** A busy machine may take long to run a timer of Kafka's that is due at once. */
const PATIENCE_MS = 5000

/**
 * Members of one group who do what chance says, right things mostly, on one of two brokers. What is written down is the
 * same on both if they agree.
 */
export class GroupPlay {
  readonly log: string[] = []
  /** How many waiting requests were answered after each step. */
  readonly answerCounts: number[] = []
  readonly #random: Random
  readonly #expectedAnswers: readonly number[] | undefined
  readonly #topic: string
  readonly #groupId: string
  /** Kept on the same partition of the offsets topic as the group: Kafka serves both in the order of asking. */
  readonly #neighbourId: string
  readonly #control: WireClient
  readonly #names = new Names('m')
  readonly #actors: readonly Actor[]
  #parted = false

  constructor(side: Side, random: Random, topic: string, group: string, expectedAnswers?: readonly number[]) {
    this.#expectedAnswers = expectedAnswers
    this.#random = random
    this.#topic = topic
    // Java hashes both of these endings to the same number.
    this.#groupId = `${group}-Aa`
    this.#neighbourId = `${group}-BB`
    this.#control = WireClient.dial(side.address)
    this.#names.of('')
    this.#actors = Array.from({ length: ACTOR_COUNT }, (_, index) => ({
      index,
      instanceId: index === 2 ? 'static' : null,
      client: WireClient.dial(side.address),
      memberId: '',
      generationId: -1,
      leads: false,
      memberIds: [],
      waits: false
    }))
  }

  async run(stepCount: number): Promise<readonly string[]> {
    // A connection that is still being made would deliver its first request after what others ask later.
    const clients = [this.#control, ...this.#actors.map(({ client }) => client)]
    await Promise.all(clients.map(client => client.send(DescribeGroups, 6, { groups: [this.#neighbourId] })))
    for (let step = 0; step < stepCount; step++) {
      await this.#step()
      await this.#settle()
    }
    await this.#finish()
    for (const { client } of this.#actors) client.close()
    this.#control.close()
    return this.log
  }

  async #step(): Promise<void> {
    const actor = this.#pick(this.#actors)
    // As many numbers are drawn at each step, whatever is done with them: the brokers may answer in different order.
    const [what, how, which] = [this.#random(), this.#random(), this.#random()]
    if (what < 0.35) return this.#join(actor, how, which)
    if (what < 0.6) return this.#sync(actor, how)
    if (what < 0.7) return this.#heartbeat(actor, how)
    if (what < 0.76) return this.#leave(actor, how)
    if (what < 0.86) return this.#commit(actor, how, which)
    if (what < 0.91) return this.#fetch(how)
    if (what < 0.93) return this.#deleteOffsets(how)
    if (what < 0.95) return this.#deleteGroup()
    return this.#describe()
  }

  /** What waits is ended by time only; so everybody leaves, and the group is looked at. */
  async #finish(): Promise<void> {
    for (const actor of this.#actors) {
      if (!actor.waits) await this.#leave(actor, 1)
      await this.#settle()
    }
    await this.#describe()
    await this.#fetch(0)
  }

  #join(actor: Actor, how: number, which: number): Promise<void> | void {
    if (actor.waits) return
    const memberId = how < 0.8 ? actor.memberId : how < 0.95 ? '' : 'nobody'
    const topics = which < 0.5 ? [this.#topic] : [this.#topic, 'other']
    const metadata = encodeData(ConsumerProtocolSubscription, 1, { topics, userData: null, ownedPartitions: [] })
    const protocols = [
      { name: 'range', metadata },
      { name: 'sticky', metadata }
    ]
    const version = which < 0.25 ? 5 : 9
    actor.waits = true
    const answered = actor.client.send(JoinGroup, version, {
      groupId: this.#groupId,
      sessionTimeoutMs: 60_000,
      rebalanceTimeoutMs: 60_000,
      memberId,
      groupInstanceId: actor.instanceId,
      protocolType: 'consumer',
      protocols: how > 0.76 && how < 0.78 ? [{ name: 'odd', metadata }] : protocols.slice(which > 0.9 ? 1 : 0)
    })
    this.#write(actor, `join v${version} as ${this.#names.of(memberId)}`)
    void answered.then(answer => {
      actor.waits = false
      if (answer.memberId !== '' && answer.memberId !== 'nobody') actor.memberId = answer.memberId
      if (answer.errorCode === 0) {
        actor.generationId = answer.generationId
        actor.leads = answer.leader === answer.memberId
        actor.memberIds = answer.members.map(member => member.memberId)
      } else if (errorName(answer.errorCode) !== 'MEMBER_ID_REQUIRED') actor.memberId = ''
      const { generationId, protocolType, protocolName, skipAssignment } = answer
      this.#answers.push({
        actor: actor.index,
        tell: () => {
          const own = this.#names.of(answer.memberId)
          const leader = this.#names.of(answer.leader)
          const members = answer.members.map(member => `${this.#names.of(member.memberId)}/${member.groupInstanceId}`)
          const told = [
            errorName(answer.errorCode),
            own,
            generationId,
            protocolType,
            protocolName,
            leader,
            skipAssignment
          ]
          return `joined: ${told.join(' ')} [${members.sort().join()}]`
        }
      })
    })
  }

  #sync(actor: Actor, how: number): void {
    if (actor.waits) return
    const generationId = how < 0.9 ? actor.generationId : actor.generationId + 1
    const assignments = actor.leads
      ? actor.memberIds.map(memberId => ({ memberId, assignment: Buffer.from(this.#names.of(memberId)) }))
      : []
    actor.waits = true
    const answered = actor.client.send(SyncGroup, 5, {
      groupId: this.#groupId,
      generationId,
      memberId: actor.memberId,
      groupInstanceId: actor.instanceId,
      protocolType: how < 0.05 ? 'odd' : 'consumer',
      protocolName: how < 0.1 ? null : 'range',
      assignments
    })
    this.#write(actor, `sync as ${this.#names.of(actor.memberId)} in ${generationId}`)
    void answered.then(answer => {
      actor.waits = false
      const { errorCode, protocolType, protocolName, assignment } = answer
      const told = [errorName(errorCode), protocolType, protocolName, assignment.toString()].join(' ')
      this.#answers.push({ actor: actor.index, tell: () => `synced: ${told}` })
    })
  }

  async #heartbeat(actor: Actor, how: number): Promise<void> {
    const { errorCode } = await this.#control.send(Heartbeat, 4, {
      groupId: this.#groupId,
      generationId: how < 0.8 ? actor.generationId : actor.generationId - 1,
      memberId: actor.memberId,
      groupInstanceId: how < 0.9 ? actor.instanceId : null
    })
    this.#write(actor, `heartbeat: ${errorName(errorCode)}`)
  }

  async #leave(actor: Actor, how: number): Promise<void> {
    // Who leads after a leader left is for Kafka's hash map to say, unless only one is left.
    const others = this.#actors.filter(other => other !== actor && other.memberId !== '').length
    if (this.#actors.some(one => one.leads) && others > 1 && !(actor.memberId !== '' && this.#follows(actor))) return
    const byInstance = how < 0.3 && actor.instanceId !== null
    const { errorCode, members } = await this.#control.send(LeaveGroup, 5, {
      groupId: this.#groupId,
      members: [{ memberId: byInstance ? '' : actor.memberId, groupInstanceId: actor.instanceId, reason: 'play' }]
    })
    const told = members.map(member => `${member.groupInstanceId} ${errorName(member.errorCode)}`)
    this.#write(actor, `leave: ${errorName(errorCode)} [${told.join()}]`)
  }

  #follows(actor: Actor): boolean {
    return !actor.leads && this.#actors.some(other => other.leads && other.generationId === actor.generationId)
  }

  async #commit(actor: Actor, how: number, which: number): Promise<void> {
    const version = which < 0.5 ? 8 : 9
    const asNobody = how > 0.9
    const partitions = [0, which < 0.8 ? 1 : 7].map(partitionIndex => ({
      partitionIndex,
      committedOffset: Math.floor(how * 100),
      committedLeaderEpoch: partitionIndex,
      committedMetadata: which < 0.9 ? 'meta' : 'x'.repeat(5000)
    }))
    const answer = await this.#control.send(OffsetCommit, version, {
      groupId: this.#groupId,
      generationIdOrMemberEpoch: asNobody ? -1 : how < 0.7 ? actor.generationId : actor.generationId + 1,
      memberId: asNobody ? '' : actor.memberId,
      groupInstanceId: asNobody ? null : actor.instanceId,
      topics: [{ name: this.#topic, partitions }]
    })
    const told = answer.topics.flatMap(topic =>
      topic.partitions.map(({ partitionIndex, errorCode }) => `${partitionIndex} ${errorName(errorCode)}`)
    )
    this.#write(actor, `commit v${version}: ${told.sort().join()}`)
  }

  async #fetch(how: number): Promise<void> {
    const topics = how < 0.5 ? null : [{ name: this.#topic, partitionIndexes: [0, 1, 2] }]
    const answer = await this.#control.send(OffsetFetch, 9, {
      groups: [{ groupId: this.#groupId, topics }],
      requireStable: true
    })
    const told = answer.groups.map(group => {
      const partitions = group.topics.flatMap(topic => topic.partitions)
      return [errorName(group.errorCode), ...partitions.map(partition => JSON.stringify(partition)).sort()]
    })
    this.log.push(`fetch: ${told.flat().join()}`)
  }

  async #deleteOffsets(how: number): Promise<void> {
    const name = how < 0.5 ? this.#topic : `${this.#topic}-missing`
    const answer = await this.#control.send(OffsetDelete, 0, {
      groupId: this.#groupId,
      topics: [{ name, partitions: [{ partitionIndex: 0 }] }]
    })
    const told = answer.topics.flatMap(topic => topic.partitions.map(({ errorCode }) => errorName(errorCode)))
    this.log.push(`delete offsets: ${errorName(answer.errorCode)} ${told.join()}`)
  }

  async #deleteGroup(): Promise<void> {
    const { results } = await this.#control.send(DeleteGroups, 2, { groupsNames: [this.#groupId] })
    this.log.push(`delete group: ${results.map(({ errorCode }) => errorName(errorCode)).join()}`)
  }

  async #describe(): Promise<void> {
    const { groups } = await this.#control.send(DescribeGroups, 6, {
      groups: [this.#groupId],
      includeAuthorizedOperations: true
    })
    for (const group of groups) {
      const { errorCode, errorMessage, groupState, protocolType, protocolData, authorizedOperations } = group
      const members = group.members.map(member => {
        const { groupInstanceId, clientId, clientHost, memberMetadata, memberAssignment } = member
        const bytes = [memberMetadata.length, memberAssignment.toString()]
        return [this.#names.of(member.memberId), groupInstanceId, clientId, clientHost, ...bytes].join(' ')
      })
      const message = errorMessage?.replace(this.#groupId, '')
      const facts = [errorName(errorCode), message, groupState, protocolType, protocolData, authorizedOperations]
      this.log.push(`describe: ${facts.join(' ')} [${members.sort().join()}]`)
    }
    const listed = await this.#control.send(ListGroups, 5, { statesFilter: [], typesFilter: [] })
    const found = listed.groups.find(({ groupId }) => groupId === this.#groupId)
    this.log.push(`list: ${found?.groupState} ${found?.groupType} ${found?.protocolType}`)
  }

  readonly #answers: { readonly actor: number; readonly tell: () => string }[] = []

  /**
   * Waits until whatever the last request caused has happened, and writes down the answers that came of it. Answers of
   * several connections may overtake each other on their last way: so as many are awaited as the other broker gave.
   */
  async #settle(): Promise<void> {
    const expected = this.#expectedAnswers?.[this.answerCounts.length] ?? 0
    for (let i = 0; i < 5; i++) await this.#askNeighbour()
    // Once an answer did not come, the plays have parted, and none need be waited for.
    const givenUpMs = this.#parted ? 0 : performance.now() + PATIENCE_MS
    while (this.#answers.length < expected && performance.now() < givenUpMs) await this.#askNeighbour()
    this.#parted ||= this.#answers.length < expected
    this.answerCounts.push(this.#answers.length)
    this.#answers.sort((a, b) => a.actor - b.actor)
    for (const { actor, tell } of this.#answers.splice(0)) this.log.push(`${actor} ${tell()}`)
  }

  async #askNeighbour(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
    const partition = { partitionIndex: 0, committedOffset: 1, committedMetadata: null }
    await this.#control.send(OffsetCommit, 8, {
      groupId: this.#neighbourId,
      memberId: '',
      topics: [{ name: this.#topic, partitions: [partition] }]
    })
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T
  }

  #write(actor: Actor, text: string): void {
    this.log.push(`${actor.index} ${text}`)
  }
}
