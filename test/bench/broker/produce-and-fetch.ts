import { createKafkaClient, type Transport } from '@millrace/client'
import { NO_HEADERS } from '@millrace/streams/core'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { systemClock, systemRandom } from '@millrace/streams/runtime'

const PARTITIONS = 4
const KEY_BYTES = 8
const VALUE_BYTES = 92
/** What a task loop appends before it lets the event loop run. */
const SLICE = 2000

export interface Rates {
  /** Records a second. */
  readonly produce: number
  readonly fetch: number
}

/** Writes records of 100 bytes into a topic of its own, reads them all, and deletes the topic. */
export async function produceAndFetch(transport: Transport, topic: string, records: number): Promise<Rates> {
  const client = createKafkaClient({ transport, clock: systemClock, random: systemRandom, logger: SILENT_LOGGER })
  await client.admin.createTopics([{ name: topic, partitionCount: PARTITIONS, replicationFactor: 1, configs: {} }])
  const producer = await client.createProducer({})
  const appender = await producer.topic(topic)
  const key = Buffer.alloc(KEY_BYTES)
  const value = Buffer.alloc(VALUE_BYTES, 'v')
  const nowMs = Date.now()
  let startedMs = performance.now()
  for (let sent = 0; sent < records; ) {
    const end = Math.min(records, sent + SLICE)
    for (; sent < end; sent++) {
      key.writeUInt32BE(sent, 4)
      appender.append(sent % PARTITIONS, key, 0, KEY_BYTES, value, 0, VALUE_BYTES, nowMs, NO_HEADERS)
    }
    if (producer.full) await producer.whenWritable()
    else await new Promise(resolve => setImmediate(resolve))
  }
  await producer.flush()
  const produce = (records / (performance.now() - startedMs)) * 1000
  await producer.close()

  const fetcher = client.createFetcher({ isolation: 'read_committed', maxBufferedBytes: 32 * 1024 * 1024 })
  startedMs = performance.now()
  const readers = Array.from({ length: PARTITIONS }, (_, partition) => fetcher.add({ topic, partition }, 0))
  for (let count = 0; count < records; ) {
    for (const reader of readers) while (reader.next()) count++
    if (count < records) await fetcher.wait(1000)
  }
  const fetch = (records / (performance.now() - startedMs)) * 1000
  await fetcher.close()
  await client.admin.deleteTopics([topic])
  await client.close()
  return { produce, fetch }
}
