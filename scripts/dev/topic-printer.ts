import { whenSerdeReady } from '@millrace/streams/core'
import type { Serde } from '@millrace/streams/core'
import type { KafkaClient, PartitionReader } from '@millrace/streams/ports'
import type { ValueFormat } from './dev-plan.ts'

const WAIT_MS = 200
const BUFFERED_BYTES = 16 * 1024 * 1024

/** Prints the committed records of topics, as they come. */
export class TopicPrinter {
  readonly #client: KafkaClient
  readonly #formats: ReadonlyMap<string, ValueFormat>
  readonly #print: (line: string) => void
  readonly #avro: Serde<unknown>
  #stopping = false

  constructor(
    client: KafkaClient,
    formats: ReadonlyMap<string, ValueFormat>,
    avro: Serde<unknown>,
    print: (line: string) => void
  ) {
    this.#avro = avro
    this.#client = client
    this.#formats = formats
    this.#print = print
  }

  /** Resolves after `stop`, when all that was committed until then is printed. */
  async run(): Promise<void> {
    const descriptions = await this.#client.admin.describeTopics([...this.#formats.keys()])
    const partitions = [...descriptions.values()].flatMap(({ name, partitionCount }) =>
      Array.from({ length: partitionCount }, (_, partition) => ({ topic: name, partition }))
    )
    const fetcher = this.#client.createFetcher({ isolation: 'read_committed', maxBufferedBytes: BUFFERED_BYTES })
    try {
      const readers = partitions.map(partition => fetcher.add(partition, 0))
      for (;;) {
        const stopping = this.#stopping
        const ends = stopping ? await this.#ends(partitions) : []
        do {
          for (const reader of readers) while (reader.next()) await this.#printRecord(reader)
          await fetcher.wait(WAIT_MS)
        } while (readers.some(reader => reader.position < (ends.find(isOf(reader))?.offset ?? 0)))
        if (stopping) return
      }
    } finally {
      await fetcher.close()
    }
  }

  stop(): void {
    this.#stopping = true
  }

  #ends(partitions: readonly { readonly topic: string; readonly partition: number }[]) {
    const query = partitions.map(partition => ({ ...partition, at: 'latest' as const }))
    return this.#client.admin.listOffsets(query, 'read_committed')
  }

  async #printRecord({ topic, buffer, keyStart, keyEnd, valueStart, valueEnd }: PartitionReader): Promise<void> {
    const key = keyEnd < 0 ? 'null' : buffer.toString('utf8', keyStart, keyEnd)
    const value = valueEnd < 0 ? 'null' : await this.#valueText(topic, buffer.subarray(valueStart, valueEnd))
    this.#print(`${topic}  ${key}  ${value}`)
  }

  async #valueText(topic: string, value: Buffer): Promise<string> {
    switch (this.#formats.get(topic)) {
      case 'int64':
        return String(value.readBigInt64BE())
      case 'avro':
        return JSON.stringify(await this.#avroValue(topic, value))
      default:
        return value.toString()
    }
  }

  async #avroValue(topic: string, value: Buffer): Promise<unknown> {
    for (;;) {
      try {
        return this.#avro.deserialize(value, { topic, isKey: false })
      } catch (error) {
        const ready = whenSerdeReady(error)
        if (ready === undefined) throw error
        await ready
      }
    }
  }
}

const isOf = (reader: PartitionReader) => (end: { readonly topic: string; readonly partition: number }) =>
  end.topic === reader.topic && end.partition === reader.partition
