import { randomUUID } from 'node:crypto'
import { type EachMessagePayload, Kafka, logLevel } from 'kafkajs'

const GIVE_UP_AFTER_MS = 60_000

/** Topics for one word count, filled and read by an ordinary Kafka client. */
export interface WordCountTopics {
  readonly env: Readonly<Record<string, string>>
  produce(lines: readonly string[]): Promise<void>
  /** The last count of each word, as soon as these add up to at least `words`. */
  counts(words: number): Promise<Record<string, number>>
  remove(): Promise<void>
}

export async function createWordCountTopics(brokers: string): Promise<WordCountTopics> {
  const name = `pack-${randomUUID()}`
  const input = `${name}-lines`
  const output = `${name}-words`
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    waitForLeaders: false, // sends and fetches below try again until there are leaders
    topics: [input, output].map(topic => ({ topic, numPartitions: 2 }))
  })
  return {
    env: { KAFKA_BROKERS: brokers, INPUT_TOPIC: input, OUTPUT_TOPIC: output, APPLICATION_ID: name },
    async produce(lines) {
      // Idempotent: a request that is sent again, as happens on a new topic, must not count twice.
      const producer = kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 })
      await producer.connect()
      await producer.send({ topic: input, messages: lines.map((value, index) => ({ key: String(index), value })) })
      await producer.disconnect()
    },
    async counts(words) {
      const consumer = kafka.consumer({ groupId: `${name}-check` })
      await consumer.connect()
      await consumer.subscribe({ topic: output, fromBeginning: true })
      const counts: Record<string, number> = {}
      const counted = new Promise<void>((resolve, reject) => {
        // A count that never comes must end this, so that the topics are removed.
        const giveUp = AbortSignal.timeout(GIVE_UP_AFTER_MS)
        giveUp.onabort = () => reject(new Error(`Of ${words} words only these were counted: ${JSON.stringify(counts)}`))
        const eachMessage = async ({ message: { key, value } }: EachMessagePayload): Promise<void> => {
          counts[String(key)] = Number(value?.readBigInt64BE())
          if (Object.values(counts).reduce((sum, count) => sum + count) >= words) resolve()
          await Promise.resolve()
        }
        consumer.run({ eachMessage }).catch(reject)
      })
      try {
        await counted
      } finally {
        await consumer.disconnect()
      }
      return counts
    },
    async remove() {
      const topics = (await admin.listTopics()).filter(topic => topic.startsWith(name))
      await admin.deleteTopics({ topics })
      await admin.deleteGroups([`${name}-check`])
      await admin.disconnect()
    }
  }
}
