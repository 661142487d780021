import { Kafka, logLevel } from 'kafkajs'
import { expect, vi } from 'vitest'

/** Names of the topics and groups that begin so. */
export async function topicsAndGroups(prefix: string): Promise<string[]> {
  const admin = new Kafka({
    brokers: (process.env.KAFKA_BROKERS as string).split(','),
    logLevel: logLevel.NOTHING
  }).admin()
  await admin.connect()
  try {
    const groups = (await admin.listGroups()).groups.map(group => group.groupId)
    return [...(await admin.listTopics()), ...groups].filter(name => name.startsWith(prefix))
  } finally {
    await admin.disconnect()
  }
}

/** A deleted topic may be listed for another moment. */
export async function expectNothingLeft(prefix: string): Promise<void> {
  await vi.waitFor(async () => expect(await topicsAndGroups(prefix)).toEqual([]), { timeout: 20_000, interval: 200 })
}
