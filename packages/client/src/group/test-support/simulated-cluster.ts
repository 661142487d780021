import type { Api, Heartbeat, JoinGroup, LeaveGroup, RequestOf, ResponseOf, SyncGroup } from '@millrace/protocol'
import { StreamsError } from '@millrace/streams/core'
import type { Clock } from '@millrace/streams/ports'
import type { Cluster, RequestOptions, Target, TopicMetadata } from '../../cluster.ts'
import type { SimulatedGroup } from './simulated-group.ts'

/**
 * What happens to one request:
 * - `lost`: never reaches the coordinator.
 * - `unanswered`: carried out, the answer is lost.
 * - a number: the coordinator answers with this error code and does nothing.
 */
export type Fault = 'lost' | 'unanswered' | number

/** How long requests take in each direction, and how long it takes to notice that an answer is lost. */
const WAY_MS = 1
const BREAK_MS = 50

/** One member's way to a simulated group. */
export class SimulatedCluster implements Cluster {
  readonly group: SimulatedGroup
  /** Asked for each request, in order. */
  fault: (api: Api, index: number) => Fault | undefined = () => undefined
  /** While true, nothing is delivered in either direction. */
  cut = false
  readonly sent: string[] = []
  forgotten = 0
  readonly #clock: Clock
  readonly #partitionCounts: Map<string, number>

  constructor(clock: Clock, group: SimulatedGroup, partitionCounts: Map<string, number>) {
    this.#clock = clock
    this.group = group
    this.#partitionCounts = partitionCounts
  }

  async request<A extends Api>(
    _target: Target,
    api: A,
    body: RequestOf<A>,
    options?: RequestOptions
  ): Promise<ResponseOf<A>> {
    const fault = this.fault(api, this.sent.length)
    this.sent.push(api.name)
    await this.#delay(WAY_MS)
    if (fault === 'lost' || this.cut) return this.#break(api)
    if (typeof fault === 'number')
      return { errorCode: fault, memberId: '', members: [], assignment: Buffer.alloc(0) } as never
    const answer = await this.#limited(api, this.#carryOut(api, body as never), options?.timeoutMs ?? 30_000)
    await this.#delay(WAY_MS)
    if (fault === 'unanswered' || this.cut) return this.#break(api)
    return answer as ResponseOf<A>
  }

  versionFor(_target: Target, api: Api): Promise<number> {
    return Promise.resolve(api.maxVersion)
  }

  topics(names: readonly string[]): Promise<ReadonlyMap<string, TopicMetadata>> {
    const found = new Map<string, TopicMetadata>()
    for (const name of names) {
      const topic = this.cachedTopic(name)
      if (topic !== undefined) found.set(name, topic)
    }
    return Promise.resolve(found)
  }

  allTopics(): Promise<readonly TopicMetadata[]> {
    return Promise.resolve([])
  }

  leader(): undefined {
    return undefined
  }

  cachedTopic(name: string): TopicMetadata | undefined {
    const partitionCount = this.#partitionCounts.get(name)
    if (partitionCount === undefined) return undefined
    const partitions = Array.from({ length: partitionCount }, (_, partition) => ({
      partition,
      leaderId: 1,
      leaderEpoch: 0,
      replicaIds: [1]
    }))
    return { name, topicId: name, internal: false, partitions }
  }

  refresh(): Promise<void> {
    return Promise.resolve()
  }

  forgetCoordinator(): void {
    this.forgotten++
  }

  closeLane(): void {}

  close(): Promise<void> {
    return Promise.resolve()
  }

  async #carryOut(api: Api, body: never): Promise<unknown> {
    switch (api.name) {
      case 'JoinGroup': {
        const join: RequestOf<typeof JoinGroup> = body
        const answer = await this.group.join({
          memberId: join.memberId,
          groupInstanceId: join.groupInstanceId ?? null,
          sessionTimeoutMs: join.sessionTimeoutMs,
          rebalanceTimeoutMs: join.rebalanceTimeoutMs ?? join.sessionTimeoutMs,
          metadata: Buffer.from(join.protocols[0]?.metadata ?? [])
        })
        return {
          throttleTimeMs: 0,
          protocolType: 'consumer',
          protocolName: join.protocols[0]?.name,
          skipAssignment: false,
          ...answer
        }
      }
      case 'SyncGroup': {
        const sync: RequestOf<typeof SyncGroup> = body
        const assignments = new Map(sync.assignments.map(each => [each.memberId, Buffer.from(each.assignment)]))
        return { throttleTimeMs: 0, ...(await this.group.sync(sync.memberId, sync.generationId, assignments)) }
      }
      case 'Heartbeat': {
        const beat: RequestOf<typeof Heartbeat> = body
        return { errorCode: this.group.heartbeat(beat.memberId, beat.generationId, beat.groupInstanceId ?? null) }
      }
      case 'LeaveGroup': {
        const leave: RequestOf<typeof LeaveGroup> = body
        const members = leave.members ?? []
        return {
          errorCode: 0,
          members: members.map(({ memberId }) => ({ memberId, errorCode: this.group.leave(memberId) }))
        }
      }
      default:
        throw new Error(`the simulated coordinator does not know ${api.name}`)
    }
  }

  #limited<T>(api: Api, work: Promise<T>, timeoutMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.setTimer(timeoutMs, () =>
        reject(new StreamsError('CLIENT_REQUEST_TIMED_OUT', `${api.name} was not answered within ${timeoutMs} ms`))
      )
      work.then(resolve, reject).finally(cancel)
    })
  }

  async #break(api: Api): Promise<never> {
    await this.#delay(BREAK_MS)
    throw new StreamsError('CLIENT_REQUEST_FAILED', `${api.name} was not answered: the connection broke`)
  }

  #delay(ms: number): Promise<void> {
    return new Promise(resolve => {
      this.#clock.setTimer(ms, resolve)
    })
  }
}
