import { EmbeddedBroker } from '@millrace/broker'
import { createKafkaClient } from '@millrace/client'
import { json, string } from '@millrace/streams'
import { NO_HEADERS } from '@millrace/streams/core'
import { type Fetcher, type KafkaClient, type RecordProducer, SILENT_LOGGER } from '@millrace/streams/ports'
import { systemClock, systemRandom } from '@millrace/streams/runtime'

export const SERDES = { key: string(), value: json<number>() }

/** A broker and a client in this process, without sockets. */
export class EmbeddedKafka implements AsyncDisposable {
  readonly broker: EmbeddedBroker
  readonly client: KafkaClient
  /** All that were made by the client, closed ones too. */
  readonly fetchers: Fetcher[] = []
  #producer: RecordProducer | undefined

  private constructor(broker: EmbeddedBroker) {
    this.broker = broker
    this.client = createKafkaClient({
      transport: broker.transport(),
      clock: systemClock,
      random: systemRandom,
      logger: SILENT_LOGGER
    })
    const { createFetcher } = this.client
    this.client.createFetcher = options => {
      const fetcher = createFetcher.call(this.client, options)
      this.fetchers.push(fetcher)
      return fetcher
    }
  }

  static async start(topics: Readonly<Record<string, number>>): Promise<EmbeddedKafka> {
    const kafka = new EmbeddedKafka(await EmbeddedBroker.start())
    const wanted = Object.entries(topics).map(([name, partitionCount]) => ({
      name,
      partitionCount,
      replicationFactor: 1,
      configs: {}
    }))
    await kafka.client.admin.createTopics(wanted)
    return kafka
  }

  /** Writes values to a partition, with their index as time. */
  async write(topic: string, partition: number, values: readonly (number | Uint8Array | null)[]): Promise<void> {
    this.#producer ??= await this.client.createProducer({})
    const appender = await this.#producer.topic(topic)
    for (const [index, value] of values.entries()) {
      const bytes = typeof value === 'number' ? Buffer.from(JSON.stringify(value)) : value
      const key = Buffer.from(`k${partition}`)
      appender.append(partition, key, 0, key.length, bytes, 0, bytes?.length ?? -1, index, NO_HEADERS)
    }
    await this.#producer.flush()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#producer?.close()
    await this.client.close()
    await this.broker.close()
  }
}

/** Lets everything run that is ready, timers apart. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>(resolve => setImmediate(resolve))
}

/** Waits until something is so, for as long as it may take a machine that is busy; then fails. */
export async function until(isSo: () => boolean): Promise<void> {
  const endMs = systemClock.monotonicMs() + 5_000
  while (!isSo()) {
    if (systemClock.monotonicMs() > endMs) throw new Error(`It did not come about that ${isSo.toString()}.`)
    await turns(1)
  }
}
