import { NO_HEADERS } from '@millrace/streams/core'
import type { KafkaClient, RecordProducer, TopicAppender } from '@millrace/streams/ports'
import type { DevSample } from './dev-plan.ts'
import { type SampleRecords, sampleRecords } from './sample-records.ts'

/** Sends the records of a sample: all of them at once, then one after the other, again and again. */
export class SampleProducer {
  readonly everyMs: number
  readonly #records: SampleRecords
  readonly #producer: RecordProducer
  readonly #topic: TopicAppender
  #sent = 0

  private constructor(everyMs: number, records: SampleRecords, producer: RecordProducer, topic: TopicAppender) {
    this.everyMs = everyMs
    this.#records = records
    this.#producer = producer
    this.#topic = topic
  }

  static async open(client: KafkaClient, sample: DevSample): Promise<SampleProducer> {
    const records = await sampleRecords(sample)
    const producer = await client.createProducer({})
    return new SampleProducer(sample.everyMs, records, producer, await producer.topic(sample.topic))
  }

  async sendAll(): Promise<void> {
    for (let i = 0; i < this.#records.count; i++) this.#append()
    await this.#producer.flush()
  }

  async sendNext(): Promise<void> {
    this.#append()
    await this.#producer.flush()
  }

  close(): Promise<void> {
    return this.#producer.close()
  }

  #append(): void {
    const { key, value, partition } = this.#records.at(this.#sent++, this.#topic.partitionCount)
    const [keyEnd, valueEnd] = [key?.length ?? -1, value?.length ?? -1]
    this.#topic.append(partition, key, 0, keyEnd, value, 0, valueEnd, Date.now(), NO_HEADERS)
  }
}
