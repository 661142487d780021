// A transaction that is open in a partition and in no coordinator's books: how brokers before Kafka 3.6 were left after a late write.
import { main, processIo } from '@millrace/cli'
import {
  type Api,
  decodeResponse,
  encodeRequest,
  FindCoordinator,
  flexibleRequest,
  flexibleResponse,
  InitProducerId,
  Produce,
  RecordBatchBuilder,
  type RequestOf,
  type ResponseOf
} from '@millrace/protocol'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { expect, onTestFinished, test } from 'vitest'
import { startKafka } from '../../scripts/kafka-broker.ts'
import { TestCluster } from './test-cluster.ts'

// The embedded broker takes no write that its coordinator does not know of, as Kafka does unless it is told to.
test.skipIf(process.env['MILLRACE_TEST_BROKER'] === 'embedded')(
  'a hanging transaction is found, and ended by the command that is printed',
  async () => {
    // One of its own: others rely on such writes being refused. Kafka does so by default since 3.6.
    const kafka = await startKafka({ properties: { 'transaction.partition.verification.enable': 'false' } })
    onTestFinished(() => kafka.stop())
    await using cluster = await TestCluster.open(kafka.brokers)
    await cluster.createTopics(1, 'held')
    const topic = cluster.name('held')
    const transactionalId = cluster.name('producer')
    const txn = async (...argv: string[]): Promise<{ code: number; text: string }> => {
      let text = ''
      const write = (part: string): void => void (text += part)
      const io = Object.assign(processIo(), { writeOut: write, writeError: write })
      return { code: await main(['txn', ...argv, '--brokers', cluster.brokers], io), text }
    }

    await writeBehindTheCoordinator(cluster.brokers, topic, transactionalId)
    await cluster.produce('held', [{ key: 'k', value: 'waits' }])
    expect(await cluster.read('held', 'last-stable')).toEqual([])

    const found = await txn('find-hanging', '--longer-than', '1ms')
    expect(found.code).toBe(3)
    const row = found.text.split('\n').find(line => line.startsWith(topic))
    expect(row).toMatch(new RegExp(`^${topic} +0 +0 +\\d+ +\\d+ +\\d+\\w+ ago +${transactionalId}$`))
    const [, command = ''] = /`millrace txn (abort [^`]+)`/.exec(found.text) ?? []
    expect(command).toBe(`abort --topic ${topic} --partition 0 --start-offset 0`)
    const aborted = await txn(...command.split(' '))
    expect(aborted).toEqual({ code: 0, text: expect.stringContaining(`began at offset 0 of ${topic}-0 was aborted`) })

    expect((await cluster.read('held')).map(({ value }) => value)).toEqual(['waits'])
    expect((await txn('find-hanging', '--topic', topic, '--longer-than', '1ms')).code).toBe(0)
  }
)

/** Writes a transactional record without adding its partition to the transaction. */
async function writeBehindTheCoordinator(brokers: string, topic: string, transactionalId: string): Promise<void> {
  const init = async () => {
    // Which makes a new Kafka create the coordinators' topic.
    await ask(brokers, FindCoordinator, 2, { key: transactionalId, keyType: 1 })
    return await ask(brokers, InitProducerId, 2, { transactionalId, transactionTimeoutMs: 60_000 })
  }
  await expect.poll(async () => (await init()).errorCode, { timeout: 20_000 }).toBe(0)
  const { producerId, producerEpoch } = await init()
  const builder = new RecordBatchBuilder()
  const value = Buffer.from('late')
  builder.append(null, 0, -1, value, 0, value.length, Date.now(), [])
  const records = builder.build({ producerId, producerEpoch, baseSequence: 0, transactional: true })
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }]
  const answer = await ask(brokers, Produce, 9, { transactionalId, acks: -1, timeoutMs: 10_000, topicData })
  expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(0)
}

async function ask<A extends Api>(
  brokers: string,
  api: A,
  version: number,
  request: RequestOf<A>
): Promise<ResponseOf<A>> {
  const transport = kafkajsTransport({ brokers: [brokers] })
  const [broker] = await transport.bootstrap()
  if (broker === undefined) throw new Error('There is no broker.')
  const connection = await transport.connect(broker)
  try {
    const answer = await connection.send({
      apiKey: api.key,
      apiName: api.name,
      apiVersion: version,
      body: encodeRequest(api, version, request),
      timeoutMs: 30_000,
      flexibleRequest: flexibleRequest(api, version),
      flexibleResponse: flexibleResponse(api, version)
    })
    return decodeResponse(api, version, answer)
  } finally {
    await connection.close()
  }
}
