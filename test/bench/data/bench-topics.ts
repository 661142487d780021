import { createCluster } from '@millrace/client'
import { LeaveGroup } from '@millrace/protocol'
import { NO_HEADERS } from '@millrace/streams/core'
import { type KafkaClient, SILENT_LOGGER } from '@millrace/streams/ports'
import { systemClock, systemRandom } from '@millrace/streams/runtime'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { kafkaClient } from 'millrace'
import {
  BASE_MS,
  Clicks,
  entryJson,
  PARTITIONS,
  PROBES,
  partitionOf,
  probeKey,
  USERS,
  userJson
} from './clicks-input.ts'

const HOUR_MS = 3_600_000
/** Of key and value together, at most. */
const MAX_RECORD_BYTES = 4096
/** Appended before the event loop runs. */
const SLICE = 2000

/** A record on its way into a topic. */
export type Append = (partition: number, key: string, value: string, timestampMs: number) => void

/** The benchmark's topics and groups on one broker. */
export class BenchTopics implements AsyncDisposable {
  readonly client: KafkaClient
  readonly #brokers: readonly string[]

  constructor(brokers: readonly string[]) {
    this.#brokers = brokers
    this.client = kafkaClient({ brokers: [...brokers], logger: SILENT_LOGGER })
  }

  /** The input of W1 … W5, loaded unless it is there. */
  async clicks(count: number, seed: number): Promise<string> {
    const topic = `bench-clicks-${count}-${seed}`
    if ((await this.count(topic)) === count) return topic
    await this.remake(topic, { 'retention.ms': '-1' })
    const clicks = new Clicks(seed)
    await this.fill(topic, count, append => {
      clicks.next()
      append(clicks.partition, `u${clicks.user}`, clicks.json(), clicks.ts)
    })
    return topic
  }

  /** The table of W4, older than every click. */
  async users(): Promise<string> {
    const topic = 'bench-users'
    if ((await this.count(topic)) === USERS) return topic
    await this.remake(topic, { 'cleanup.policy': 'compact' })
    await this.fill(topic, USERS, (append, user) => {
      append(partitionOf(`u${user}`), `u${user}`, userJson(user), BASE_MS - HOUR_MS + user)
    })
    return topic
  }

  /** The input of W6: a record for each of `count` keys. */
  async entries(topic: string, count: number): Promise<void> {
    await this.remake(topic, { 'retention.ms': '-1' })
    await this.fill(topic, count, (append, key) => {
      append(partitionOf(`k${key}`), `k${key}`, entryJson(key, 0), BASE_MS + key)
    })
  }

  /** More records for some keys of W6. */
  async probes(topic: string, count: number, round: number): Promise<void> {
    await this.fill(topic, PROBES, (append, probe) => {
      const key = probeKey(count, probe)
      append(partitionOf(`k${key}`), `k${key}`, entryJson(key, round), BASE_MS + count + round * PROBES + probe)
    })
  }

  /** Makes an empty topic; one that is there is deleted first. */
  async remake(topic: string, configs: Readonly<Record<string, string>>, partitionCount = PARTITIONS): Promise<void> {
    const { admin } = this.client
    if ((await admin.describeTopics([topic])).has(topic)) await admin.deleteTopics([topic])
    const wanted = [{ name: topic, partitionCount, replicationFactor: 1, configs }]
    // A deleted topic goes in its own time.
    for (let attempt = 0; (await admin.createTopics(wanted)).get(topic) !== 'created'; attempt++) {
      if (attempt === 100) throw new Error(`The topic '${topic}' was deleted, but is still there after 20 s.`)
      await new Promise(resolve => setTimeout(resolve, 200))
    }
  }

  /** Calls `write` for each of `count` records, and returns when what it appended is acknowledged. */
  async fill(topic: string, count: number, write: (append: Append, index: number) => void): Promise<void> {
    const producer = await this.client.createProducer({})
    const appender = await producer.topic(topic)
    const bytes = Buffer.alloc(MAX_RECORD_BYTES)
    const append: Append = (partition, key, value, timestampMs) => {
      const keyEnd = bytes.write(key, 0)
      const end = keyEnd + bytes.write(value, keyEnd)
      appender.append(partition, bytes, 0, keyEnd, bytes, keyEnd, end, timestampMs, NO_HEADERS)
    }
    for (let index = 0; index < count; ) {
      const end = Math.min(count, index + SLICE)
      for (; index < end; index++) write(append, index)
      if (producer.full) await producer.whenWritable()
      else await new Promise(resolve => setImmediate(resolve))
    }
    await producer.close()
  }

  /** Records that a topic has had; -1 when there is none of that name. */
  async count(topic: string): Promise<number> {
    const { admin } = this.client
    const description = (await admin.describeTopics([topic])).get(topic)
    if (description === undefined) return -1
    const partitions = Array.from({ length: description.partitionCount }, (_, partition) => ({ topic, partition }))
    const ends = await admin.listOffsets(
      partitions.map(each => ({ ...each, at: 'latest' as const })),
      'read_uncommitted'
    )
    return ends.reduce((sum, { offset }) => sum + offset, 0)
  }

  /** Removes members that a group still has: of a process that has ended they would stay until their session times out. */
  async evict(group: string): Promise<void> {
    const cluster = createCluster({
      transport: kafkajsTransport({ brokers: [...this.#brokers] }),
      clock: systemClock,
      random: systemRandom,
      logger: SILENT_LOGGER
    })
    try {
      const deadline = performance.now() + 60_000
      for (;;) {
        const { members } = await this.client.admin.describeGroup(group)
        if (members.length === 0) return
        if (performance.now() > deadline) throw new Error(`The group '${group}' keeps its members.`)
        for (const { memberId } of members) {
          await cluster.request({ groupCoordinator: group }, LeaveGroup, {
            groupId: group,
            memberId,
            members: [{ memberId, groupInstanceId: null, reason: 'its process has ended' }]
          })
        }
        await new Promise(resolve => setTimeout(resolve, 50))
      }
    } finally {
      await cluster.close()
    }
  }

  /** Deletes the topics whose names contain an application's id, and its group. */
  async cleanUp(applicationId: string): Promise<void> {
    const { admin } = this.client
    const topics = [...(await admin.describeTopics()).keys()].filter(name => name.includes(applicationId))
    await admin.deleteTopics(topics)
    try {
      await this.evict(applicationId)
      await admin.deleteGroup(applicationId)
    } catch {
      // Systems name their groups as they like; one that stays has no effect on other runs.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close()
  }
}
