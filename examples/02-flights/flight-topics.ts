import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from 'kafkajs'

export interface FlightTopics {
  /** Also the application's id, and so the beginning of the names of its internal topics. */
  readonly prefix: string
  readonly flights: string
  readonly airports: string
  readonly weekly: string
  readonly moving: string
}

export const PARTITION_COUNT = 4
const USABLE_POLL_MS = 50
const USABLE_ATTEMPTS = 200

/** Names that no other run has, so that runs can share a Kafka. */
export function newFlightTopics(): FlightTopics {
  const prefix = `millrace-flights-${randomBytes(4).toString('hex')}`
  return {
    prefix,
    flights: `${prefix}-flights`,
    airports: `${prefix}-airports`,
    weekly: `${prefix}-weekly-delays`,
    moving: `${prefix}-moving-delays`
  }
}

export async function createTopics(admin: Admin, { flights, airports, weekly, moving }: FlightTopics): Promise<void> {
  const topics = [flights, airports, weekly, moving]
  await admin.createTopics({
    waitForLeaders: false,
    topics: topics.map(topic => ({
      topic,
      numPartitions: PARTITION_COUNT,
      // The flights are of 2001: with Kafka's ordinary retention of seven days they would be gone before they are read.
      configEntries: [{ name: 'retention.ms', value: '-1' }]
    }))
  })
  await untilUsable(admin, topics)
}

/**
 * A new topic is known to the broker that created it a moment before the others know it, and before it has a leader.
 * (`waitForLeaders` of kafkajs waits for the second, but fails on the first.)
 */
async function untilUsable(admin: Admin, topics: string[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await admin.fetchTopicMetadata({ topics })
      return
    } catch (error) {
      const { type } = error as { type?: string }
      const passes = type === 'UNKNOWN_TOPIC_OR_PARTITION' || type === 'LEADER_NOT_AVAILABLE'
      if (!passes || attempt === USABLE_ATTEMPTS) throw error
      await sleep(USABLE_POLL_MS)
    }
  }
}

/** Deletes the topics of a run, its application's internal topics, and the groups. */
export async function deleteTopics(admin: Admin, { prefix }: FlightTopics, groups: readonly string[]): Promise<void> {
  const topics = (await admin.listTopics()).filter(topic => topic.startsWith(`${prefix}-`))
  if (topics.length > 0) await admin.deleteTopics({ topics })
  const existing = new Set((await admin.listGroups()).groups.map(group => group.groupId))
  const own = groups.filter(group => existing.has(group))
  if (own.length > 0) await admin.deleteGroups(own)
}
