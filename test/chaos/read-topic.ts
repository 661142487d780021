import type { IsolationLevel, KafkaClient } from '@millrace/streams/ports'

export interface ReadRecord {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly keyBytes: Buffer
  /** Empty for a tombstone. */
  readonly value: Buffer
  readonly timestampMs: number
}

/**
 * Reads a topic from its start to its ends of this moment. Committed records are read to the ends too, past every
 * transaction that is open: a broker answers a commit before its marks are in the partitions, so whoever reads up to the
 * last stable offset may miss what has just been committed.
 * @param end - 'last-stable': read what is known to be committed now, and wait for no transaction.
 */
export async function readTopic(
  client: KafkaClient,
  topic: string,
  isolation: IsolationLevel,
  end: 'end' | 'last-stable' = 'end'
): Promise<ReadRecord[]> {
  const description = (await client.admin.describeTopics([topic])).get(topic)
  if (description === undefined) throw new Error(`There is no topic '${topic}'.`)
  const partitions = Array.from({ length: description.partitionCount }, (_, partition) => ({ topic, partition }))
  const query = async (at: 'earliest' | 'latest') =>
    await client.admin.listOffsets(
      partitions.map(partition => ({ ...partition, at })),
      end === 'end' ? 'read_uncommitted' : isolation
    )
  const [starts, ends] = await Promise.all([query('earliest'), query('latest')])

  const fetcher = client.createFetcher({ isolation, maxBufferedBytes: 16 * 1024 * 1024 })
  const records: ReadRecord[] = []
  try {
    const open = ends.map(end => {
      const start = starts.find(({ partition }) => partition === end.partition)?.offset ?? 0
      return { end: end.offset, reader: fetcher.add({ topic, partition: end.partition }, start) }
    })
    while (open.some(({ reader, end }) => reader.position < end)) {
      for (const { reader, end } of open) {
        while (reader.position < end && reader.next()) {
          if (reader.offset >= end) break
          records.push({
            partition: reader.partition,
            offset: reader.offset,
            key: reader.keyEnd < 0 ? '' : reader.buffer.toString('utf8', reader.keyStart, reader.keyEnd),
            keyBytes: Buffer.from(reader.buffer.subarray(reader.keyStart, Math.max(reader.keyStart, reader.keyEnd))),
            value: Buffer.from(reader.buffer.subarray(reader.valueStart, Math.max(reader.valueStart, reader.valueEnd))),
            timestampMs: reader.timestampMs
          })
        }
      }
      await fetcher.wait(200)
    }
  } finally {
    await fetcher.close()
  }
  return records
}
