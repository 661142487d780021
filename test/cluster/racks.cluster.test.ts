// Reading from the replica in one's own rack, KIP-392: embedded and single brokers have no followers.
import { createKafkaClient } from '@millrace/client'
import { NO_HEADERS } from '@millrace/streams/core'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { systemClock, systemRandom } from '@millrace/streams/runtime'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { KafkaCluster } from '../../scripts/kafka-broker/cluster.ts'
import { ClusterWatch } from './cluster-watch.ts'
import { intercepted } from './intercepted-transport.ts'

const ROUND = 500
const topic = 'read-nearby'

let cluster: KafkaCluster
beforeAll(async () => {
  cluster = await KafkaCluster.start()
}, 240_000)
afterAll(() => cluster?.stop())

test('reads from the replica in its rack, from the leader while that is away, and loses nothing', async () => {
  const transport = kafkajsTransport({ brokers: cluster.brokers })
  const common = { clock: systemClock, random: systemRandom, logger: SILENT_LOGGER }
  const writer = createKafkaClient({ ...common, transport })
  const watch = new ClusterWatch(transport)
  await writer.admin.createTopics([{ name: topic, partitionCount: 1, replicationFactor: 3, configs: {} }])
  await watch.untilInSync(60_000)
  const leader = cluster.node(await watch.leaderOf(topic, 0))
  const nearby = cluster.nodes.find(node => node !== leader)
  if (nearby === undefined) throw new Error('There is one node only.')

  let fetches: number[] = []
  const reading = intercepted(transport, {
    send: (request, connection, { port }) => {
      if (request.apiName === 'Fetch') fetches.push(port)
      return connection.send(request)
    }
  })
  const client = createKafkaClient({ ...common, transport: reading, clientRack: `rack-${nearby.nodeId}` })
  const fetcher = client.createFetcher({ isolation: 'read_committed', maxBufferedBytes: 1024 * 1024 })
  const reader = fetcher.add({ topic, partition: 0 }, 0)
  const producer = await writer.createProducer({})
  const appender = await producer.topic(topic)
  let written = 0
  const seen: string[] = []
  const round = async (): Promise<number[]> => {
    fetches = []
    for (const end = written + ROUND; written < end; written++) {
      const value = Buffer.from(String(written))
      appender.append(0, null, 0, -1, value, 0, value.length, Date.now(), NO_HEADERS)
    }
    await producer.flush()
    const deadline = performance.now() + 60_000
    while (seen.length < written && performance.now() < deadline) {
      if (reader.next()) seen.push(reader.buffer.toString('latin1', reader.valueStart, reader.valueEnd))
      else await fetcher.wait(100)
    }
    expect(seen).toEqual(Array.from({ length: written }, (_, i) => String(i)))
    return fetches
  }

  // The leader's first answer says where to read.
  await round()
  const fetched = await round()
  expect(fetched).toContain(nearby.port)
  expect(fetched).not.toContain(leader.port)
  await nearby.end('SIGKILL')
  expect(await round()).toContain(leader.port)
  await nearby.start()
  await watch.untilInSync(60_000)
  await expect.poll(round, { timeout: 60_000, interval: 500 }).toContain(nearby.port)

  await producer.close()
  await fetcher.close()
  await client.close()
  await watch.close()
  await writer.close()
}, 300_000)
