import {
  type AssignorMember,
  type GroupListener,
  type GroupOptions,
  SILENT_LOGGER,
  type TopicPartition
} from '@millrace/streams/ports'
import { ClassicGroupMember } from '../group-member.ts'
import { decodeSubscription } from '../membership-codec.ts'
import { partitionKey } from '../partition-set.ts'
import { plainAssignor } from './plain-assignor.ts'
import { SimulatedCluster } from './simulated-cluster.ts'
import { SimulatedGroup } from './simulated-group.ts'
import { seededRandom, VirtualClock } from './virtual-clock.ts'

/** One member in a test: what its listener was told, and what it therefore processes. */
export class HarnessMember {
  readonly name: string
  readonly cluster: SimulatedCluster
  readonly member: ClassicGroupMember
  /** For example `assigned t/0,t/1`. */
  readonly events: string[] = []
  readonly held = new Map<string, TopicPartition>()
  fatal: Error | undefined
  /** Replace to make a callback slow, or to make it fail. */
  during: (event: 'revoked' | 'assigned' | 'lost') => Promise<void> = async () => {}
  /** Callbacks under way; more than one is a mistake. */
  #calls = 0

  constructor(
    harness: GroupHarness,
    name: string,
    options: Partial<GroupOptions>,
    prepare: (member: HarnessMember) => void
  ) {
    this.name = name
    this.cluster = new SimulatedCluster(harness.clock, harness.group, harness.partitionCounts)
    prepare(this)
    const listener: GroupListener = {
      onRevoked: partitions =>
        this.#called(harness, 'revoked', partitions, () => {
          for (const each of partitions) this.held.delete(partitionKey(each))
        }),
      onAssigned: (added, all) =>
        this.#called(
          harness,
          'assigned',
          added,
          () => {},
          () => {
            for (const each of added) {
              harness.take(this, each)
              this.held.set(partitionKey(each), each)
            }
            if (all.length !== this.held.size) harness.violations.push(`${name}: all is not what is held`)
          }
        ),
      onLost: partitions =>
        this.#called(
          harness,
          'lost',
          partitions,
          () => {},
          () => {
            for (const each of partitions) this.held.delete(partitionKey(each))
          }
        ),
      onFatal: error => {
        this.events.push('fatal')
        this.fatal = error
      }
    }
    this.member = new ClassicGroupMember({
      cluster: this.cluster,
      clock: harness.clock,
      random: harness.random,
      logger: SILENT_LOGGER,
      metadataMaxAgeMs: 5_000,
      options: {
        groupId: 'g',
        sessionTimeoutMs: 6_000,
        heartbeatIntervalMs: 1_000,
        rebalanceTimeoutMs: 20_000,
        topics: () => [...harness.partitionCounts.keys()],
        assignor: plainAssignor(() => harness.partitions),
        listener,
        ...options
      }
    })
  }

  async #called(
    harness: GroupHarness,
    event: 'revoked' | 'assigned' | 'lost',
    partitions: readonly TopicPartition[],
    after: () => void,
    before: () => void = () => {}
  ): Promise<void> {
    if (++this.#calls > 1) harness.violations.push(`${this.name}: two callbacks at a time`)
    this.events.push(`${event} ${partitions.map(partitionKey).join(',')}`.trim())
    before()
    try {
      await this.during(event)
      after()
    } finally {
      this.#calls--
    }
  }
}

/** Several members of one simulated group on one virtual clock, and a look-out for partitions with two owners. */
export class GroupHarness {
  readonly clock = new VirtualClock()
  readonly random
  readonly group = new SimulatedGroup(this.clock)
  readonly partitionCounts: Map<string, number>
  readonly members: HarnessMember[] = []
  readonly violations: string[] = []

  constructor(seed = 1, partitionCounts: Readonly<Record<string, number>> = { t: 6 }) {
    this.random = seededRandom(seed)
    this.partitionCounts = new Map(Object.entries(partitionCounts))
  }

  get partitions(): TopicPartition[] {
    return [...this.partitionCounts].flatMap(([topic, count]) =>
      Array.from({ length: count }, (_, partition) => ({ topic, partition }))
    )
  }

  add(
    name: string,
    options: Partial<GroupOptions> = {},
    prepare: (member: HarnessMember) => void = () => {}
  ): HarnessMember {
    const member = new HarnessMember(this, name, options, prepare)
    this.members.push(member)
    return member
  }

  take(taker: HarnessMember, partition: TopicPartition): void {
    for (const other of this.members) {
      if (other !== taker && other.held.has(partitionKey(partition))) {
        this.violations.push(`${taker.name} took ${partitionKey(partition)}, which ${other.name} processes`)
      }
    }
  }

  /** What the coordinator has from this member. */
  subscriptionOf(memberId: string): AssignorMember | undefined {
    const metadata = this.group.members.get(memberId)?.metadata
    return metadata === undefined ? undefined : decodeSubscription(memberId, null, metadata)
  }

  /** Leaves, as an application does that has stopped processing. */
  async leave(member: HarnessMember): Promise<void> {
    member.held.clear()
    const left = member.member.leave()
    await this.clock.advance(100)
    await left
  }

  /** Whether these members are stable in the coordinator's generation and hold each partition exactly once. */
  complete(members: readonly HarnessMember[]): boolean {
    if (this.group.state !== 'Stable') return false
    if (members.some(({ member }) => member.state !== 'stable')) return false
    if (members.some(({ member }) => member.metadata?.generationId !== this.group.generationId)) return false
    const held = members.flatMap(member => [...member.held.keys()])
    return held.length === this.partitions.length && new Set(held).size === held.length
  }

  async settle(members: readonly HarnessMember[] = this.members, limitMs = 60_000): Promise<void> {
    await this.clock.until(
      () => this.complete(members),
      limitMs,
      `stable: ${JSON.stringify(members.map(m => [m.member.state, m.events.slice(-3)]))} ${this.group.state}`
    )
  }
}
