// How fast records go out. Run it as
//   KAFKA_BROKERS=localhost:9092 node --conditions=millrace-source packages/client/bench/produce.ts [records] [transactional] [compression]
// It appends 100-byte records to a topic of its own, four times, waits for their acknowledgement, and deletes the topic.
import { NO_HEADERS } from '@millrace/streams/core'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { Kafka, logLevel } from 'kafkajs'
import { systemClock } from '../../streams/src/ports/system-clock.ts'
import { createCluster } from '../src/index.ts'
import { createProducer } from '../src/producer/index.ts'

const brokers = (process.env.KAFKA_BROKERS ?? 'localhost:9092').split(',')
const total = Number(process.argv[2] ?? 1_000_000)
const transactional = process.argv[3] === 'transactional'
const compression = process.argv[4] === 'zstd' || process.argv[4] === 'lz4' ? process.argv[4] : 'none'
const partitionCount = 4
const topic = `bench-produce-${process.pid}`
const admin = new Kafka({ brokers, logLevel: logLevel.ERROR }).admin()
await admin.connect()
await admin.createTopics({ topics: [{ topic, numPartitions: partitionCount }], waitForLeaders: true })
const cluster = createCluster({
  transport: kafkajsTransport({ brokers }),
  clock: systemClock,
  random: Math.random,
  logger: SILENT_LOGGER
})
const producer = await createProducer({
  cluster,
  clock: systemClock,
  random: Math.random,
  logger: console,
  options: { compression, ...(transactional ? { transactionalId: topic } : {}) }
})
const appender = await producer.topic(topic)
const group = { groupId: topic, generationId: -1, memberId: '', groupInstanceId: undefined }
const value = Buffer.alloc(92, 'v')
const key = Buffer.alloc(8, 'k')
for (let run = 1; run <= 4; run++) {
  const startedMs = performance.now()
  const cpu = process.cpuUsage()
  let appendMs = 0
  for (let sent = 0; sent < total; ) {
    // Slices as a task loop has them: the event loop runs in between.
    const sliceMs = performance.now()
    const end = Math.min(total, sent + 2000)
    for (; sent < end; sent++) {
      key.writeUInt32BE(sent, 4)
      appender.append(sent % partitionCount, key, 0, 8, value, 0, 92, 1_700_000_000_000 + sent, NO_HEADERS)
    }
    appendMs += performance.now() - sliceMs
    if (producer.full) await producer.whenWritable()
    else await new Promise(resolve => setImmediate(resolve))
  }
  const appendedMs = performance.now() - startedMs
  if (transactional) await producer.commit([], group)
  else await producer.flush()
  const tookMs = performance.now() - startedMs
  const { user, system } = process.cpuUsage(cpu)
  let acked = 0
  for (let partition = 0; partition < partitionCount; partition++) acked += appender.ackedEndOffset(partition)
  console.log(
    `run ${run}: ${Math.round(total / tookMs)} k records/s (${Math.round(tookMs)} ms; appended after ${Math.round(appendedMs)} ms, ` +
      `${Math.round(appendMs)} ms of it in append; cpu ${Math.round((user + system) / 1000)} ms; end offsets sum to ${acked})`
  )
}
await producer.close()
await cluster.close()
await admin.deleteTopics({ topics: [topic] })
await admin.disconnect()
