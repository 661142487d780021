import { NO_HEADERS, StreamsError } from '../core/index.ts'
import type { Clock, KafkaClient } from '../ports/index.ts'
import type { StateIdentity } from '../topology/index.ts'
import type { InternalTopic } from './topic-plan.ts'

/**
 * The topic in which an application notes what its other internal topics hold: one small record for each, compacted. In Kafka, so
 * that every instance sees it on whatever machine, and named like a changelog, so that rights for the internal topics of the
 * application cover it and Kafka's reset tool deletes it along with them.
 */
export function topologyTopicName(applicationId: string): string {
  return `${applicationId}-millrace-topology-changelog`
}

export function topologyTopic(applicationId: string): InternalTopic {
  return {
    name: topologyTopicName(applicationId),
    partitionCount: 1,
    configs: { 'cleanup.policy': 'compact' },
    because: 'it holds one record for each of the others'
  }
}

/** Newer versions of the format are left alone: an older release may run beside a newer one. */
const VERSION = 1
const WAIT_MS = 500
const MAX_BUFFERED_BYTES = 1024 * 1024

export interface RecordedTopology {
  /** By internal topic, without the application id; undefined when it can't be read by this release. */
  readonly identities: ReadonlyMap<string, StateIdentity | undefined>
  /** The same, but of two records for a topic the earlier one. */
  readonly earliest: ReadonlyMap<string, StateIdentity | undefined>
  readonly endOffset: number
}

/** Reads and writes the records of that topic, which has to exist. */
export class TopologyRecord {
  readonly #topic: string
  readonly #client: KafkaClient
  readonly #clock: Clock

  constructor(applicationId: string, client: KafkaClient, clock: Clock) {
    this.#topic = topologyTopicName(applicationId)
    this.#client = client
    this.#clock = clock
  }

  /**
   * Reads to the end of now.
   *
   * @param isStopping - undefined is returned when it becomes true before that.
   */
  async read(isStopping: () => boolean, fromOffset?: number): Promise<RecordedTopology | undefined> {
    const partition = { topic: this.#topic, partition: 0 }
    const offsetAt = async (at: 'earliest' | 'latest') =>
      (await this.#client.admin.listOffsets([{ ...partition, at }], 'read_uncommitted'))[0]?.offset ?? 0
    const beginOffset = fromOffset ?? (await offsetAt('earliest'))
    const endOffset = await offsetAt('latest')
    const identities = new Map<string, StateIdentity | undefined>()
    const earliest = new Map<string, StateIdentity | undefined>()
    if (beginOffset >= endOffset) return { identities, earliest, endOffset }

    const fetcher = this.#client.createFetcher({ isolation: 'read_committed', maxBufferedBytes: MAX_BUFFERED_BYTES })
    try {
      const reader = fetcher.add(partition, beginOffset)
      while (reader.position < endOffset) {
        if (isStopping()) return undefined
        if (!reader.next()) {
          await fetcher.wait(WAIT_MS)
          continue
        }
        const { buffer, keyStart, keyEnd, valueStart, valueEnd } = reader
        if (keyEnd < 0) continue
        const topic = buffer.toString('utf8', keyStart, keyEnd)
        const identity = valueEnd < 0 ? undefined : decode(buffer.toString('utf8', valueStart, valueEnd))
        identities.set(topic, identity)
        if (!earliest.has(topic)) earliest.set(topic, identity)
      }
    } finally {
      await fetcher.close()
    }
    return { identities, earliest, endOffset }
  }

  async write(identities: readonly StateIdentity[]): Promise<void> {
    const producer = await this.#client.createProducer({})
    try {
      const appender = await producer.topic(this.#topic)
      for (const identity of identities) {
        const key = Buffer.from(identity.topic)
        const value = Buffer.from(encode(identity))
        appender.append(0, key, 0, key.length, value, 0, value.length, this.#clock.nowMs(), NO_HEADERS)
      }
      await producer.flush()
    } finally {
      await producer.close()
    }
  }
}

/** Equal for equal identities. */
export function encode(identity: StateIdentity): string {
  const { name, topic, kind, isGenerated, key, value, windowSizeMs, retainDuplicates, sources, steps } = identity
  const { isAbandoned } = identity
  const layout = { kind, key, value, windowSizeMs, retainDuplicates }
  return JSON.stringify({ version: VERSION, name, topic, isGenerated, ...layout, sources, steps, isAbandoned })
}

/** Undefined for what this release doesn't understand. */
function decode(text: string): StateIdentity | undefined {
  try {
    const { version, ...identity } = JSON.parse(text) as StateIdentity & { version: unknown }
    const isWhole = Array.isArray(identity.sources) && Array.isArray(identity.steps)
    return version === VERSION && typeof identity.topic === 'string' && isWhole ? identity : undefined
  } catch {
    return undefined
  }
}

/** @throws StreamsError `TOPOLOGY_TOPIC_CONFLICT` for a store whose changelog would have the name of that topic. */
export function checkTopologyTopicIsFree(identities: readonly StateIdentity[]): void {
  const taken = identities.find(({ topic }) => `-${topic}` === topologyTopicName(''))
  if (taken === undefined) return
  throw new StreamsError(
    'TOPOLOGY_TOPIC_CONFLICT',
    `The internal topic of '${taken.name}' would be '<applicationId>-${taken.topic}', which Millrace uses itself. Choose another name.`,
    { details: { name: taken.name, topic: taken.topic } }
  )
}
