// How fast records come in. Run it as
//   KAFKA_BROKERS=localhost:9092 node --conditions=millrace-source packages/client/bench/fetch.ts [records]
// It writes the records into a topic of its own, reads them three times, and deletes the topic.
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { Kafka, logLevel } from 'kafkajs'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { systemClock } from '../../streams/src/ports/system-clock.ts'
import { createFetcher } from '../src/fetch/index.ts'
import { createCluster } from '../src/index.ts'

const brokers = (process.env.KAFKA_BROKERS ?? 'localhost:9092').split(',')
const total = Number(process.argv[2] ?? 1_000_000)
const partitionCount = 4
const topic = `bench-fetch-${process.pid}`
const kafka = new Kafka({ brokers, logLevel: logLevel.ERROR })
const admin = kafka.admin()
await admin.connect()
await admin.createTopics({ topics: [{ topic, numPartitions: partitionCount }] })
const producer = kafka.producer()
await producer.connect()
for (let sent = 0; sent < total; sent += 10_000) {
  const messages = Array.from({ length: Math.min(10_000, total - sent) }, (_, index) => ({
    key: `user-${(sent + index) % 1000}`,
    value: JSON.stringify({
      user: (sent + index) % 1000,
      page: `/p/${index % 50}`,
      ms: index % 5000,
      ts: sent + index
    }),
    partition: index % partitionCount
  }))
  await producer.send({ topic, messages })
}
await producer.disconnect()

const cluster = createCluster({
  transport: kafkajsTransport({ brokers }),
  clock: systemClock,
  random: Math.random,
  logger: SILENT_LOGGER
})
await cluster.topics([topic])
for (let run = 1; run <= 3; run++) {
  const fetcher = createFetcher({
    cluster,
    clock: systemClock,
    random: Math.random,
    logger: SILENT_LOGGER,
    lane: `fetch-${run}`,
    options: { isolation: 'read_committed', maxBufferedBytes: 32 * 1024 * 1024 }
  })
  const startedMs = performance.now()
  const cpu = process.cpuUsage()
  const readers = Array.from({ length: partitionCount }, (_, partition) => fetcher.add({ topic, partition }, 0))
  let count = 0
  let bytes = 0
  let nextMs = 0
  for (;;) {
    const sliceMs = performance.now()
    for (const reader of readers) {
      while (reader.next()) {
        count++
        bytes += reader.keyEnd - reader.keyStart + reader.valueEnd - reader.valueStart
      }
    }
    nextMs += performance.now() - sliceMs
    if (count >= total) break
    await fetcher.wait(1000)
  }
  const tookMs = performance.now() - startedMs
  const { user, system } = process.cpuUsage(cpu)
  console.log(
    `run ${run}: ${count} records, ${(bytes / 1e6).toFixed(0)} MB in ${tookMs.toFixed(0)} ms = ` +
      `${Math.round(count / tookMs)} k records/s; in next() ${nextMs.toFixed(0)} ms = ${Math.round(count / nextMs)} k/s; ` +
      `CPU ${((user + system) / 1000).toFixed(0)} ms`
  )
  await fetcher.close()
}
await cluster.close()
await admin.deleteTopics({ topics: [topic] })
await admin.disconnect()
