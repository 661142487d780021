import type { Fetcher, KafkaClient, PartitionReader } from '@millrace/streams/ports'
import { PARTITIONS } from '../data/clicks-input.ts'
import type { ExpectedOutput } from '../data/expected-output.ts'

const BUFFER_BYTES = 64 * 1024 * 1024

/** Reads an output topic, committed records only, as far as it has come. */
export class OutputReader implements AsyncDisposable {
  readonly #client: KafkaClient
  readonly #topic: string
  #fetcher: Fetcher | undefined
  #readers: readonly PartitionReader[] = []

  constructor(client: KafkaClient, topic: string) {
    this.#client = client
    this.#topic = topic
  }

  /** How many records there are, control records included. */
  async end(): Promise<number> {
    return (await this.#ends()).reduce((sum, { offset }) => sum + offset, 0)
  }

  /** Has `expected` accept what was appended since the last call. */
  async readTo(expected: ExpectedOutput): Promise<void> {
    const ends = await this.#ends()
    // Not before the first call: fetching would take CPU time from the system that is measured.
    this.#fetcher ??= this.#client.createFetcher({ isolation: 'read_committed', maxBufferedBytes: BUFFER_BYTES })
    if (this.#readers.length === 0) {
      const fetcher = this.#fetcher
      this.#readers = this.#partitions().map(partition => fetcher.add(partition, 0))
    }
    const endOf = (reader: PartitionReader): number =>
      ends.find(({ partition }) => partition === reader.partition)?.offset ?? 0
    while (this.#readers.some(reader => reader.position < endOf(reader))) {
      for (const reader of this.#readers) while (reader.next()) expected.accept(reader)
      if (this.#readers.some(reader => reader.position < endOf(reader))) await this.#fetcher.wait(100)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#fetcher?.close()
  }

  #partitions(): { topic: string; partition: number }[] {
    return Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: this.#topic, partition }))
  }

  #ends() {
    const partitions = this.#partitions().map(each => ({ ...each, at: 'latest' as const }))
    return this.#client.admin.listOffsets(partitions, 'read_committed')
  }
}
