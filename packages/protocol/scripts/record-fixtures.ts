// Records what real clients and a real broker say to each other into ../fixtures. See README.md beside this file.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as protocol from '@millrace/protocol'
import kafkajs from 'kafkajs'
import { kafkaJars } from '../../../scripts/kafka-jars.ts'
import { askBroker } from '../src/test-support/ask-broker.ts'
import { type Exchange, type RecordingProxy, startRecordingProxy } from './recording-proxy.ts'

const { KAFKA_BROKERS } = process.env
if (!KAFKA_BROKERS) throw new Error('Set KAFKA_BROKERS=host:port')
const [brokerHost = '', brokerPort = ''] = KAFKA_BROKERS.split(':')

const apis = Object.values(protocol).filter((value): value is protocol.Api => {
  return typeof value === 'object' && value !== null && 'key' in value && 'maxVersion' in value
})

/** What a broker of Kafka 2.8 speaks, where it is less than we do. */
const KAFKA_2_8 = new Map([
  [protocol.Produce.key, 9],
  [protocol.Fetch.key, 12],
  [protocol.ListOffsets.key, 6],
  [protocol.Metadata.key, 11],
  [protocol.OffsetCommit.key, 8],
  [protocol.OffsetFetch.key, 7],
  [protocol.FindCoordinator.key, 3],
  [protocol.JoinGroup.key, 7],
  [protocol.LeaveGroup.key, 4],
  [protocol.ListGroups.key, 4],
  [protocol.ApiVersions.key, 3],
  [protocol.InitProducerId.key, 4],
  [protocol.AddOffsetsToTxn.key, 3],
  [protocol.EndTxn.key, 3],
  [protocol.TxnOffsetCommit.key, 3],
  [protocol.DescribeGroups.key, 5],
  [protocol.DescribeCluster.key, 0]
])

const prefix = `fixture-${randomUUID().slice(0, 8)}-`

await record('java-newest', false, new Map(apis.map(api => [api.key, api.maxVersion])), runJava)
await recordBatches(`${prefix}java-newest-`)
await record('java-as-2.8', true, KAFKA_2_8, runJava)
await record('kafkajs', false, new Map(), runKafkajs)
await deleteTopics()

async function record(
  name: string,
  hideFeatures: boolean,
  maxVersions: ReadonlyMap<number, number>,
  run: (proxy: RecordingProxy, prefix: string) => Promise<void>
): Promise<void> {
  const proxy = await startRecordingProxy({ brokerHost, brokerPort: Number(brokerPort), maxVersions, hideFeatures })
  await run(proxy, `${prefix}${name}-`)
  await proxy.close()
  const kept = selectExchanges(proxy.exchanges)
  write(
    name,
    kept.map(({ api, exchange }) => ({
      api: api.name,
      version: exchange.apiVersion,
      request: exchange.request.toString('base64'),
      response: exchange.response.toString('base64')
    }))
  )
}

/** Up to three different ones of each API and version, by the sizes of their frames; no huge ones. */
function selectExchanges(exchanges: readonly Exchange[]): { api: protocol.Api; exchange: Exchange }[] {
  const seen = new Map<string, Set<string>>()
  const kept: { api: protocol.Api; exchange: Exchange }[] = []
  for (const exchange of exchanges) {
    const api = apis.find(({ key }) => key === exchange.apiKey)
    const { apiVersion, request, response } = exchange
    if (api === undefined || apiVersion < api.minVersion || apiVersion > api.maxVersion) continue
    if (request.length + response.length > 12_000) continue
    const shapes = seen.get(`${api.name} ${apiVersion}`) ?? new Set()
    seen.set(`${api.name} ${apiVersion}`, shapes)
    const shape = `${request.length} ${response.length}`
    if (shapes.has(shape) || shapes.size === 3) continue
    shapes.add(shape)
    kept.push({ api, exchange })
  }
  return kept.sort((a, b) => a.api.key - b.api.key || a.exchange.apiVersion - b.exchange.apiVersion)
}

async function runJava(proxy: RecordingProxy, topicPrefix: string): Promise<void> {
  const source = join(import.meta.dirname, 'RecordedClient.java')
  const args = ['-cp', `${await kafkaJars()}/*`, source, `localhost:${proxy.port}`, topicPrefix]
  const child = spawn('java', args, { stdio: ['ignore', 'inherit', 'inherit'] })
  const code = await new Promise<number | null>(resolve => child.on('exit', resolve))
  if (code !== 0) throw new Error(`java ended with ${code}`)
}

async function runKafkajs(proxy: RecordingProxy, topicPrefix: string): Promise<void> {
  const topic = `${topicPrefix}topic`
  const groupId = `${topicPrefix}group`
  const kafka = new kafkajs.Kafka({
    clientId: 'fixture',
    brokers: [`localhost:${proxy.port}`],
    logLevel: kafkajs.logLevel.ERROR
  })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })
  const producer = kafka.producer({ transactionalId: `${topicPrefix}id`, maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  for (const end of ['commit', 'abort'] as const) {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ key: end, value: 'one', headers: { h: 'x' } }, { value: null }] })
    await transaction.sendOffsets({
      consumerGroupId: groupId,
      topics: [{ topic, partitions: [{ partition: 0, offset: '1' }] }]
    })
    await transaction[end]()
  }
  await producer.disconnect()
  const consumer = kafka.consumer({ groupId, heartbeatInterval: 200 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    consumer.on('consumer.commit_offsets', () => resolve())
    consumer.run({ autoCommitThreshold: 1, eachMessage: async ({ heartbeat }) => heartbeat() }).catch(reject)
  })
  await admin.describeGroups([groupId])
  await consumer.disconnect()
  await admin.listGroups()
  await admin.fetchTopicOffsets(topic)
  await admin.fetchOffsets({ groupId, topics: [topic] })
  await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: ['retention.ms'] }]
  })
  await admin.alterConfigs({
    validateOnly: true,
    resources: [
      {
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name: topic,
        configEntries: [{ name: 'retention.ms', value: '-1' }]
      }
    ]
  })
  await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '1' }] })
  await admin.deleteGroups([groupId])
  await admin.deleteTopics({ topics: [topic] })
  await admin.disconnect()
}

/** The log of each topic that the Java client wrote, as a Fetch answers it. */
async function recordBatches(topicPrefix: string): Promise<void> {
  const logs: Record<string, unknown> = {}
  for (const name of ['none', 'gzip', 'snappy', 'lz4', 'zstd', 'append-time', 'txn']) {
    const answer = await askBroker(protocol.Fetch, 11, {
      maxWaitMs: 100,
      minBytes: 1,
      isolationLevel: 1,
      topics: [
        { topic: topicPrefix + name, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] }
      ]
    })
    const partition = answer.responses[0]!.partitions[0]!
    logs[name] = {
      records: partition.records?.toString('base64'),
      aborted: partition.abortedTransactions?.map(({ producerId, firstOffset }) => [String(producerId), firstOffset])
    }
  }
  write('record-batches', logs)
}

async function deleteTopics(): Promise<void> {
  const { topics } = await askBroker(protocol.Metadata, 8, { topics: null })
  const topicNames = topics.map(({ name }) => name ?? '').filter(name => name.startsWith(prefix))
  await askBroker(protocol.DeleteTopics, 3, { topicNames, timeoutMs: 10_000 })
}

function write(name: string, content: unknown): void {
  writeFileSync(join(import.meta.dirname, '..', 'fixtures', `${name}.json`), `${JSON.stringify(content, null, 1)}\n`)
}
