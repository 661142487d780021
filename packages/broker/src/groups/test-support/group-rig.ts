import type { RequestOf } from '@millrace/protocol'
import { ConsumerProtocolSubscription, encodeData, type JoinGroup } from '@millrace/protocol'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { MockClock } from '@millrace/testing'
import { RecordedJournal } from '../../test-support/recorded-journal.ts'
import { seededRandom } from '../../test-support/seeded-random.ts'
import type { Topic } from '../../topics/topic.ts'
import { DEFAULT_GROUP_CONFIG, type GroupConfig } from '../group-config.ts'
import { GroupCoordinator } from '../group-coordinator.ts'
import type { JoinAnswer, JoinRequest, SyncAnswer, SyncRequest } from '../group-messages.ts'

export interface JoinOptions {
  readonly memberId?: string
  readonly groupInstanceId?: string
  readonly protocols?: Readonly<Record<string, string>>
  readonly protocolType?: string
  readonly sessionTimeoutMs?: number
  readonly rebalanceTimeoutMs?: number
  readonly version?: number
  readonly groupId?: string
}

/** What became of a request that may wait. */
export class Waiting<T> {
  answer: T | undefined
  readonly promise: Promise<T>

  constructor(promise: Promise<T>) {
    this.promise = promise
    promise.then(
      answer => {
        this.answer = answer
      },
      () => {}
    )
  }
}

/** A coordinator of groups under a clock that stands still. */
export class GroupRig {
  readonly clock: MockClock
  readonly journal: RecordedJournal
  readonly coordinator: GroupCoordinator
  readonly deletions = new Set<(topic: { readonly name: string }) => void>()
  readonly missing: ReadonlySet<string>

  constructor(
    config: Partial<GroupConfig> = {},
    journal = new RecordedJournal(),
    clock = new MockClock(1_000_000),
    missing: ReadonlySet<string> = new Set()
  ) {
    this.missing = missing
    this.clock = clock
    this.journal = journal
    this.coordinator = new GroupCoordinator({
      config: { ...DEFAULT_GROUP_CONFIG, ...config },
      clock,
      random: seededRandom(1),
      logger: SILENT_LOGGER,
      topics: {
        byName: name => (this.missing.has(name) ? undefined : ({ name } as Topic)),
        onDelete: listener => this.deletions.add(listener as (topic: { readonly name: string }) => void)
      },
      journal
    })
    this.coordinator.start()
  }

  /** The next process with the same disk. The one before gets no chance to say farewell. */
  restart(missingTopics: readonly string[] = []): GroupRig {
    return new GroupRig({}, this.journal.reopened(), this.clock, new Set(missingTopics))
  }

  join(options: JoinOptions = {}): Waiting<JoinAnswer> {
    const protocols = options.protocols ?? { range: 't' }
    const request: RequestOf<typeof JoinGroup> = {
      groupId: options.groupId ?? 'g',
      sessionTimeoutMs: options.sessionTimeoutMs ?? 10_000,
      rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? 60_000,
      memberId: options.memberId ?? '',
      groupInstanceId: options.groupInstanceId ?? null,
      protocolType: options.protocolType ?? 'consumer',
      protocols: Object.entries(protocols).map(([name, topic]) => ({ name, metadata: subscription(topic) })),
      reason: null
    }
    const client = { clientId: 'client', clientHost: '/127.0.0.1', version: options.version ?? 9 }
    return new Waiting(this.coordinator.join(request as JoinRequest, client))
  }

  /** Joins as a new member should: once for the id, once with it. */
  async joinNew(options: JoinOptions = {}): Promise<{ memberId: string; joined: Waiting<JoinAnswer> }> {
    const { memberId } = await this.join(options).promise
    return { memberId, joined: this.join({ ...options, memberId }) }
  }

  sync(
    memberId: string,
    generationId: number,
    assignments: Readonly<Record<string, string>> = {},
    more: Partial<SyncRequest> = {}
  ): Waiting<SyncAnswer> {
    return new Waiting(
      this.coordinator.sync({
        groupId: 'g',
        generationId,
        memberId,
        groupInstanceId: null,
        protocolType: null,
        protocolName: null,
        assignments: Object.entries(assignments).map(([id, text]) => ({ memberId: id, assignment: Buffer.from(text) })),
        ...more
      })
    )
  }

  heartbeat(memberId: string, generationId: number, groupInstanceId: string | null = null): number {
    return this.coordinator.heartbeat({ groupId: 'g', generationId, memberId, groupInstanceId })
  }

  leave(...memberIds: string[]) {
    return this.coordinator.leave(
      'g',
      memberIds.map(memberId => ({ memberId, groupInstanceId: null }))
    )
  }

  commit(
    topic: string,
    offset: number,
    as: { memberId?: string; generationId?: number; groupId?: string } = {}
  ): number {
    const answer = this.coordinator.offsets.commit(
      {
        groupId: as.groupId ?? 'g',
        generationIdOrMemberEpoch: as.generationId ?? -1,
        memberId: as.memberId ?? '',
        groupInstanceId: null,
        retentionTimeMs: -1,
        topics: [{ name: topic, partitions: [partitionAt(offset)] }]
      },
      9
    )
    return answer.topics[0]?.partitions[0]?.errorCode as number
  }

  commitInTransaction(
    topic: string,
    offset: number,
    producerId: bigint,
    as: { memberId?: string; generationId?: number; groupId?: string; groupInstanceId?: string } = {}
  ): number {
    const answer = this.coordinator.offsets.commitTransactional({
      transactionalId: 'id',
      groupId: as.groupId ?? 'g',
      producerId,
      producerEpoch: 0,
      generationId: as.generationId ?? -1,
      memberId: as.memberId ?? '',
      groupInstanceId: as.groupInstanceId ?? null,
      topics: [{ name: topic, partitions: [partitionAt(offset)] }]
    })
    return answer.topics[0]?.partitions[0]?.errorCode as number
  }

  /** The offset, or the error where there is one. */
  fetch(topic: string, requireStable = false, groupId = 'g'): number | string {
    const topics = [{ name: topic, partitionIndexes: [0] }]
    const answer = this.coordinator.offsets.fetch({ groupId, memberId: null, memberEpoch: -1, topics }, requireStable)
    const partition = answer.topics[0]?.partitions[0]
    return partition?.errorCode === 0 ? partition.committedOffset : `error ${partition?.errorCode}`
  }

  get state(): string {
    return this.coordinator.describe('g', 5).groupState
  }

  get memberIds(): string[] {
    return this.coordinator.describe('g', 5).members.map(member => member.memberId)
  }

  /** A stable group of new members, the first of which leads; each is assigned its position. */
  async stable(memberCount: number, options: JoinOptions = {}): Promise<string[]> {
    const members = []
    for (let i = 0; i < memberCount; i++) {
      const { memberId } = await this.join(options).promise
      members.push(memberId)
    }
    const joins = members.map(memberId => this.join({ ...options, memberId }))
    this.clock.advance(0)
    const generationId = (await joins[0]?.promise)?.generationId as number
    const assignments = Object.fromEntries(members.map((memberId, i) => [memberId, String(i)]))
    const syncs = members.map((memberId, i) => this.sync(memberId, generationId, i === 0 ? assignments : {}))
    await Promise.all(syncs.map(sync => sync.promise))
    return members
  }
}

/** Lets answers that were given reach those who wait for them. */
export function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

function subscription(topic: string): Buffer {
  return encodeData(ConsumerProtocolSubscription, 0, { topics: [topic], userData: null })
}

function partitionAt(offset: number) {
  return { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: 3, committedMetadata: 'm' }
}
