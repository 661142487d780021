import { NO_HEADERS } from '@millrace/streams/core'
import type { KafkaClient, RecordProducer, TopicAppender } from '@millrace/streams/ports'
import type { DevSample } from './dev-plan.ts'

/** Sends the lines of a sample: all of them at once, then one after the other, again and again. */
export class SampleProducer {
  readonly #lines: readonly string[]
  readonly #producer: RecordProducer
  readonly #topic: TopicAppender
  #sent = 0

  private constructor(lines: readonly string[], producer: RecordProducer, topic: TopicAppender) {
    this.#lines = lines
    this.#producer = producer
    this.#topic = topic
  }

  static async open(client: KafkaClient, { topic, lines }: DevSample): Promise<SampleProducer> {
    const producer = await client.createProducer({})
    return new SampleProducer(lines, producer, await producer.topic(topic))
  }

  async sendAll(): Promise<void> {
    for (let i = 0; i < this.#lines.length; i++) this.#append()
    await this.#producer.flush()
  }

  async sendNext(): Promise<void> {
    this.#append()
    await this.#producer.flush()
  }

  close(): Promise<void> {
    return this.#producer.close()
  }

  /** The key is the record's number; what shares a line shares a partition. */
  #append(): void {
    const key = Buffer.from(String(this.#sent))
    const value = Buffer.from(this.#lines[this.#sent % this.#lines.length] as string)
    const partition = (this.#sent % this.#lines.length) % this.#topic.partitionCount
    this.#topic.append(partition, key, 0, key.length, value, 0, value.length, Date.now(), NO_HEADERS)
    this.#sent++
  }
}
