import type { Clock } from '@millrace/streams/ports'

const NONE = 0
const ILLEGAL_GENERATION = 22
const UNKNOWN_MEMBER_ID = 25
const REBALANCE_IN_PROGRESS = 27
const MEMBER_ID_REQUIRED = 79
const FENCED_INSTANCE_ID = 82

interface SimulatedMember {
  id: string
  instanceId: string | null
  metadata: Buffer
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  assignment: Buffer
  answerJoin: ((answer: JoinAnswer) => void) | undefined
  answerSync: ((answer: SyncAnswer) => void) | undefined
  cancelSession: () => void
}

export interface JoinInput {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly metadata: Buffer
}

export interface JoinAnswer {
  readonly errorCode: number
  readonly memberId: string
  readonly generationId: number
  readonly leader: string
  readonly members: readonly { memberId: string; groupInstanceId: string | null; metadata: Buffer }[]
}

export interface SyncAnswer {
  readonly errorCode: number
  readonly assignment: Buffer
}

/** How long an empty group waits for more members. */
const INITIAL_DELAY_MS = 10

/** A classic group as Kafka's coordinator keeps it, over a virtual clock. */
export class SimulatedGroup {
  state: 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' = 'Empty'
  generationId = 0
  leader = ''
  readonly members = new Map<string, SimulatedMember>()
  readonly #clock: Clock
  readonly #pending = new Set<string>()
  #nextId = 1
  #cancelRebalance: () => void = () => {}

  constructor(clock: Clock) {
    this.#clock = clock
  }

  join(input: JoinInput): Promise<JoinAnswer> {
    const refuse = (errorCode: number, memberId = input.memberId): Promise<JoinAnswer> =>
      Promise.resolve({ errorCode, memberId, generationId: -1, leader: '', members: [] })
    const sameInstance = [...this.members.values()].find(each => each.instanceId === input.groupInstanceId)
    let memberId = input.memberId
    if (input.groupInstanceId !== null && sameInstance !== undefined) {
      if (memberId === '') return this.#replace(sameInstance, input)
      if (memberId !== sameInstance.id) return refuse(FENCED_INSTANCE_ID)
    } else if (memberId === '') {
      memberId = `m${this.#nextId++}`
      if (input.groupInstanceId === null) {
        this.#pending.add(memberId)
        return refuse(MEMBER_ID_REQUIRED, memberId)
      }
    } else if (!this.members.has(memberId) && !this.#pending.has(memberId)) {
      return refuse(UNKNOWN_MEMBER_ID)
    }
    this.#pending.delete(memberId)
    const known = this.members.get(memberId)
    const changed = known === undefined || !known.metadata.equals(input.metadata)
    const member = this.#remember(memberId, input)
    if (!changed && this.state === 'CompletingRebalance') return Promise.resolve(this.#joinAnswer(member))
    if (!changed && this.state === 'Stable' && memberId !== this.leader)
      return Promise.resolve(this.#joinAnswer(member))
    return new Promise(resolve => {
      member.answerJoin?.({ ...this.#joinAnswer(member), errorCode: UNKNOWN_MEMBER_ID })
      member.answerJoin = resolve
      if (this.state !== 'PreparingRebalance') this.#prepare()
      else this.#completeIfAllJoined()
    })
  }

  sync(memberId: string, generationId: number, assignments: ReadonlyMap<string, Buffer>): Promise<SyncAnswer> {
    const refuse = (errorCode: number): Promise<SyncAnswer> =>
      Promise.resolve({ errorCode, assignment: Buffer.alloc(0) })
    const member = this.members.get(memberId)
    if (member === undefined) return refuse(UNKNOWN_MEMBER_ID)
    if (generationId !== this.generationId) return refuse(ILLEGAL_GENERATION)
    if (this.state === 'PreparingRebalance') return refuse(REBALANCE_IN_PROGRESS)
    this.#watchSession(member)
    if (this.state === 'Stable') return Promise.resolve({ errorCode: NONE, assignment: member.assignment })
    return new Promise(resolve => {
      member.answerSync = resolve
      if (memberId !== this.leader) return
      this.state = 'Stable'
      for (const each of this.members.values()) {
        each.assignment = assignments.get(each.id) ?? Buffer.alloc(0)
        each.answerSync?.({ errorCode: NONE, assignment: each.assignment })
        each.answerSync = undefined
        this.#watchSession(each)
      }
    })
  }

  heartbeat(memberId: string, generationId: number, instanceId: string | null): number {
    const member = this.members.get(memberId)
    if (member === undefined) {
      const fenced = instanceId !== null && [...this.members.values()].some(each => each.instanceId === instanceId)
      return fenced ? FENCED_INSTANCE_ID : UNKNOWN_MEMBER_ID
    }
    if (generationId !== this.generationId) return ILLEGAL_GENERATION
    this.#watchSession(member)
    return this.state === 'PreparingRebalance' ? REBALANCE_IN_PROGRESS : NONE
  }

  leave(memberId: string): number {
    if (!this.members.has(memberId)) return UNKNOWN_MEMBER_ID
    this.#remove(memberId)
    return NONE
  }

  #replace(member: SimulatedMember, input: JoinInput): Promise<JoinAnswer> {
    this.members.delete(member.id)
    member.answerJoin?.({ ...this.#joinAnswer(member), errorCode: FENCED_INSTANCE_ID })
    member.answerSync?.({ errorCode: FENCED_INSTANCE_ID, assignment: Buffer.alloc(0) })
    member.cancelSession()
    const wasLeader = this.leader === member.id
    const successor = this.#remember(`m${this.#nextId++}`, input)
    successor.assignment = member.assignment
    if (wasLeader) this.leader = successor.id
    if (this.state === 'Stable') return Promise.resolve(this.#joinAnswer(successor))
    return new Promise(resolve => {
      successor.answerJoin = resolve
      if (this.state !== 'PreparingRebalance') this.#prepare()
      else this.#completeIfAllJoined()
    })
  }

  #remember(id: string, input: JoinInput): SimulatedMember {
    const { metadata, sessionTimeoutMs, rebalanceTimeoutMs, groupInstanceId: instanceId } = input
    let member = this.members.get(id)
    if (member === undefined) {
      member = {
        id,
        instanceId,
        metadata,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        assignment: Buffer.alloc(0),
        answerJoin: undefined,
        answerSync: undefined,
        cancelSession: () => {}
      }
      this.members.set(id, member)
    }
    member.metadata = metadata
    this.#watchSession(member)
    return member
  }

  #prepare(): void {
    const first = this.state === 'Empty'
    for (const member of this.members.values()) {
      member.answerSync?.({ errorCode: REBALANCE_IN_PROGRESS, assignment: Buffer.alloc(0) })
      member.answerSync = undefined
    }
    this.state = 'PreparingRebalance'
    const longestMs = Math.max(0, ...[...this.members.values()].map(each => each.rebalanceTimeoutMs))
    this.#cancelRebalance = this.#clock.setTimer(first ? INITIAL_DELAY_MS : longestMs, () => this.#complete())
    if (!first) this.#completeIfAllJoined()
  }

  #completeIfAllJoined(): void {
    if (this.generationId === 0) return
    if ([...this.members.values()].every(member => member.answerJoin !== undefined)) this.#complete()
  }

  #complete(): void {
    this.#cancelRebalance()
    for (const member of [...this.members.values()]) {
      if (member.answerJoin !== undefined) continue
      member.cancelSession()
      this.members.delete(member.id)
    }
    this.generationId++
    this.state = this.members.size === 0 ? 'Empty' : 'CompletingRebalance'
    if (!this.members.has(this.leader)) this.leader = this.members.keys().next().value ?? ''
    for (const member of this.members.values()) {
      const answer = member.answerJoin
      member.answerJoin = undefined
      this.#watchSession(member)
      answer?.(this.#joinAnswer(member))
    }
  }

  #joinAnswer({ id }: SimulatedMember): JoinAnswer {
    const members = [...this.members.values()].map(each => ({
      memberId: each.id,
      groupInstanceId: each.instanceId,
      metadata: each.metadata
    }))
    return {
      errorCode: NONE,
      memberId: id,
      generationId: this.generationId,
      leader: this.leader,
      members: id === this.leader ? members : []
    }
  }

  #watchSession(member: SimulatedMember): void {
    member.cancelSession()
    member.cancelSession = this.#clock.setTimer(member.sessionTimeoutMs, () => {
      if (member.answerJoin !== undefined || member.answerSync !== undefined) return this.#watchSession(member)
      this.#remove(member.id)
    })
  }

  #remove(memberId: string): void {
    const member = this.members.get(memberId)
    if (member === undefined) return
    member.cancelSession()
    this.members.delete(memberId)
    member.answerJoin?.({ ...this.#joinAnswer(member), errorCode: UNKNOWN_MEMBER_ID })
    member.answerSync?.({ errorCode: UNKNOWN_MEMBER_ID, assignment: Buffer.alloc(0) })
    if (this.state === 'PreparingRebalance') this.#completeIfAllJoined()
    else if (this.members.size === 0) this.#complete()
    else this.#prepare()
  }
}
