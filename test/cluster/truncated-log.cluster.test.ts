// A broker without the newest records becomes the leader: what an application read is gone, and what comes instead has the same offsets.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { kafkaClient, Millrace, StreamsBuilder, string } from 'millrace'
import { NO_HEADERS } from '@millrace/streams/core'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { KafkaCluster } from '../../scripts/kafka-broker/cluster.ts'

const OLD = 1
const NEW = 2
const PATIENCE = { timeout: 120_000, interval: 100 }

let cluster: KafkaCluster
let stateDir: string
beforeAll(async () => {
  cluster = await KafkaCluster.start()
  stateDir = await mkdtemp(join(tmpdir(), 'millrace-truncated-'))
}, 240_000)
afterAll(async () => {
  await cluster?.stop()
  await rm(stateDir, { recursive: true, force: true })
})

test.each(['at_least_once', 'exactly_once'] as const)(
  'after an unclean election what is there now is read, once: %s',
  async processingGuarantee => {
    const { brokers } = cluster
    const [input, output] = [`in-${processingGuarantee}`, `out-${processingGuarantee}`]
    const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const loose = [
      { name: 'unclean.leader.election.enable', value: 'true' },
      { name: 'min.insync.replicas', value: '1' }
    ]
    await admin.createTopics({
      waitForLeaders: true,
      topics: [
        { topic: input, replicaAssignment: [{ partition: 0, replicas: [OLD, NEW] }], configEntries: loose },
        { topic: output, numPartitions: 1, replicationFactor: 3 }
      ]
    })
    await admin.disconnect()

    const client = kafkaClient({ brokers, logger: SILENT_LOGGER })
    const producer = await client.createProducer({})
    const appender = await producer.topic(input)
    const written: string[] = []
    const write = async (name: string, count: number) => {
      for (let i = 0; i < count; i++) {
        const value = Buffer.from(`${name}-${i}`)
        appender.append(0, null, 0, -1, value, 0, value.length, 1_767_225_600_000, NO_HEADERS)
        written.push(`${name}-${i}`)
      }
      await producer.flush()
    }
    const fetcher = client.createFetcher({ isolation: 'read_committed', maxBufferedBytes: 1024 * 1024 })
    const reader = fetcher.add({ topic: output, partition: 0 }, 0)
    const seen: string[] = []
    const untilAllSeen = async () => {
      const look = async () => {
        while (reader.next()) seen.push(reader.buffer.toString('latin1', reader.valueStart, reader.valueEnd))
        return seen.length
      }
      await expect.poll(look, PATIENCE).toBeGreaterThanOrEqual(written.length)
      expect(seen).toEqual(written)
    }

    const builder = new StreamsBuilder()
    builder.stream(input, { key: string(), value: string() }).to(output, { key: string(), value: string() })
    const topology = builder.build()
    const errors: string[] = []
    const start = async () => {
      const logger = { ...SILENT_LOGGER, error: (message: string) => void errors.push(message) }
      const app = new Millrace(topology, {
        ...{ applicationId: `truncated-${processingGuarantee}`, brokers, stateDir, processingGuarantee, logger },
        commitIntervalMs: 100
      })
      await app.start()
      return app
    }

    const [old, next] = [cluster.node(OLD), cluster.node(NEW)]
    let app = await start()
    await write('kept', 100)
    await untilAllSeen()
    await next.end('SIGKILL')
    // Acknowledged once the other is out of sync.
    await write('lost', 100)
    await untilAllSeen()
    // One of the two finds out as it reads, the other only by the epoch that it committed.
    const restarts = processingGuarantee === 'exactly_once'
    if (restarts) await app.close()
    await old.end('SIGKILL')
    await next.start()
    await write('new', 150)
    if (restarts) app = await start()
    await untilAllSeen()
    expect(errors).toEqual([expect.stringMatching(/from offset 100 up to 200: .* \(CLIENT_LOG_TRUNCATED\)/)])

    await app.close()
    await producer.close()
    await client.close()
    await old.start()
  },
  300_000
)
