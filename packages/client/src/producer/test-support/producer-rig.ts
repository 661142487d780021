import { NO_HEADERS } from '@millrace/streams/core'
import { type RecordProducer, SILENT_LOGGER, type TopicAppender } from '@millrace/streams/ports'
import { createProducer } from '../index.ts'
import type { ClientProducerOptions } from '../producer-options.ts'
import { FakeKafka } from './fake-kafka.ts'
import { SteppingClock } from './stepping-clock.ts'

/** A producer on a fake Kafka, and time that passes only while something is awaited. */
export class ProducerRig {
  readonly clock = new SteppingClock()
  readonly kafka: FakeKafka
  producer!: RecordProducer
  readonly warnings: string[] = []

  readonly #metadataMaxAgeMs: number | undefined

  constructor(transactionVersion = 2, metadataMaxAgeMs?: number) {
    this.#metadataMaxAgeMs = metadataMaxAgeMs
    this.kafka = new FakeKafka(this.clock, transactionVersion)
  }

  static async open(
    options: ClientProducerOptions = {},
    transactionVersion = 2,
    metadataMaxAgeMs?: number
  ): Promise<ProducerRig> {
    const rig = new ProducerRig(transactionVersion, metadataMaxAgeMs)
    rig.kafka.addTopic('out', 3)
    rig.producer = await rig.create(options)
    return rig
  }

  create(options: ClientProducerOptions): Promise<RecordProducer> {
    const { clock, kafka: cluster } = this
    const logger = { ...SILENT_LOGGER, warn: (message: string) => void this.warnings.push(message) }
    const metadataMaxAgeMs = this.#metadataMaxAgeMs
    return this.wait(
      createProducer({
        cluster,
        clock,
        random: () => 0.5,
        logger,
        metadataMaxAgeMs,
        options: { requestTimeoutMs: 1_000, ...options }
      })
    )
  }

  /** Lets time pass until `promise` settles. @throws when it does not within `limitMs`: something hangs. */
  async wait<T>(promise: Promise<T>, limitMs = 400_000): Promise<T> {
    let settled = false
    const done = (): void => {
      settled = true
    }
    promise.then(done, done)
    const untilMs = this.clock.monotonicMs() + limitMs
    for (;;) {
      // A turn of the event loop runs every promise callback that is ready.
      await new Promise(resolve => setImmediate(resolve))
      if (settled) break
      if (!this.clock.step()) throw new Error('nothing is going on any more, and the promise has not settled')
      if (this.clock.monotonicMs() > untilMs) throw new Error(`the promise has not settled within ${limitMs} ms`)
    }
    return promise
  }

  async topic(name = 'out'): Promise<TopicAppender> {
    return await this.wait(this.producer.topic(name))
  }

  visible(topic = 'out'): string[][] {
    const all: string[][] = []
    for (let partition = 0; this.kafka.partitions.has(`${topic}-${partition}`); partition++) {
      all.push(this.kafka.partition(topic, partition).visible)
    }
    return all
  }
}

export function append(appender: TopicAppender, partition: number, value: string): void {
  const bytes = Buffer.from(value)
  appender.append(partition, null, 0, -1, bytes, 0, bytes.length, 1000, NO_HEADERS)
}
