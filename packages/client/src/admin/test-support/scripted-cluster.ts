import type { Api, RequestOf, ResponseOf } from '@millrace/protocol'
import { StreamsError } from '@millrace/streams/core'
import type { Cluster, PartitionLeader, RequestOptions, Target, TopicMetadata } from '../../cluster.ts'

export interface SentRequest {
  readonly target: Target
  readonly api: string
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the request it looks at.
  readonly body: any
}

/** Answers as the test says; knows topics with one leader for each partition. */
export class ScriptedCluster implements Cluster {
  readonly sent: SentRequest[] = []
  readonly forgotten: Target[] = []
  refreshCount = 0
  /** Of every API. */
  version = 9
  /** By topic, the leader of each partition; -1: none. */
  readonly leaders = new Map<string, number[]>()
  /** What `refresh` finds. */
  onRefresh: () => void = () => {}
  readonly #answer: (request: SentRequest, index: number) => unknown

  constructor(answer: (request: SentRequest, index: number) => unknown) {
    this.#answer = answer
  }

  async request<A extends Api>(
    target: Target,
    api: A,
    body: RequestOf<A>,
    { minVersion = 0 }: RequestOptions = {}
  ): Promise<ResponseOf<A>> {
    if (this.version < minVersion) throw new StreamsError('CLIENT_UNSUPPORTED_VERSION', api.name)
    const request = { target, api: api.name, body }
    this.sent.push(request)
    const answer = this.#answer(request, this.sent.length - 1)
    if (answer instanceof Error) throw answer
    return answer as ResponseOf<A>
  }

  versionFor(): Promise<number> {
    return Promise.resolve(this.version)
  }

  topics(names: readonly string[]): Promise<ReadonlyMap<string, TopicMetadata>> {
    const found = names.map(name => this.cachedTopic(name)).filter(topic => topic !== undefined)
    return Promise.resolve(new Map(found.map(topic => [topic.name, topic])))
  }

  allTopics(): Promise<readonly TopicMetadata[]> {
    return Promise.resolve([...this.leaders.keys()].map(name => this.cachedTopic(name) as TopicMetadata))
  }

  leader(topic: string, partition: number): PartitionLeader | undefined {
    const nodeId = this.leaders.get(topic)?.[partition] ?? -1
    return nodeId < 0 ? undefined : { nodeId, leaderEpoch: nodeId }
  }

  cachedTopic(name: string): TopicMetadata | undefined {
    const leaders = this.leaders.get(name)
    if (leaders === undefined) return undefined
    const partitions = leaders.map((leaderId, partition) => ({
      partition,
      leaderId,
      leaderEpoch: 0,
      replicaIds: [1, 2]
    }))
    return { name, topicId: name, internal: false, partitions }
  }

  refresh(): Promise<void> {
    this.refreshCount++
    this.onRefresh()
    return Promise.resolve()
  }

  forgetCoordinator(target: Target): void {
    this.forgotten.push(target)
  }

  closeLane(): void {}

  close(): Promise<void> {
    return Promise.resolve()
  }
}
