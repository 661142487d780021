import { setTimeout as sleep } from 'node:timers/promises'
import { NO_HEADERS, murmur2Partition } from '@millrace/streams/core'
import type { KafkaClient } from '@millrace/streams/ports'

export interface SourceOptions {
  readonly topic: string
  readonly keys: number
  /** Records at a time, and how often. */
  readonly batch: number
  readonly everyMs: number
  readonly random: () => number
}

/** Sends records at a steady rate with an idempotent producer, whatever brokers do. Each value is its number within its key. */
export class ClusterSource {
  /** How many records of each key were sent. */
  readonly sent = new Map<string, number>()
  #stopped = false
  #done: Promise<void> = Promise.resolve()

  start(client: KafkaClient, options: SourceOptions): void {
    this.#done = this.#run(client, options)
    this.#done.catch(() => {})
  }

  /** Resolves when all that was sent is written. @throws what stopped it earlier */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#done
  }

  async #run(client: KafkaClient, { topic, keys, batch, everyMs, random }: SourceOptions): Promise<void> {
    const producer = await client.createProducer({})
    const appender = await producer.topic(topic)
    while (!this.#stopped) {
      for (let i = 0; i < batch; i++) {
        const key = `key-${Math.floor(random() * keys)}`
        const number = this.sent.get(key) ?? 0
        const keyBytes = Buffer.from(key)
        const value = Buffer.from(String(number))
        const partition = murmur2Partition(keyBytes, appender.partitionCount)
        appender.append(partition, keyBytes, 0, keyBytes.length, value, 0, value.length, Date.now(), NO_HEADERS)
        this.sent.set(key, number + 1)
      }
      await Promise.all([sleep(everyMs), producer.full ? producer.whenWritable() : undefined])
    }
    await producer.flush()
    await producer.close()
  }
}
