// Brokers older than exactly-once needs: they would take offsets without asking whose they are.
import { createKafkaClient, type Transport } from '@millrace/client'
import { type Api, ApiVersions, decodeResponse, encodeResponse, OffsetFetch, TxnOffsetCommit } from '@millrace/protocol'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { systemClock, systemRandom } from '@millrace/streams/runtime'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { expect, test } from 'vitest'
import { intercepted } from '../cluster/intercepted-transport.ts'
import { TestCluster } from './test-cluster.ts'

test('offsets are not committed to a broker that cannot tell that a member was replaced', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(1, 'in')
  const client = clientOf(ageing(cluster.brokers, TxnOffsetCommit, 2))
  const producer = await client.createProducer({ transactionalId: cluster.name('producer') })
  const offset = { topic: cluster.name('in'), partition: 0, offset: 0, metadata: '' }
  const group = { groupId: cluster.applicationId, generationId: 1, memberId: 'somebody', groupInstanceId: undefined }
  await expect(producer.commit([offset], group)).rejects.toMatchObject({
    code: 'CLIENT_UNSUPPORTED_VERSION',
    message: expect.stringMatching(
      /TxnOffsetCommit is needed in version 3 to \d, but broker \S+ speaks 0 to 2\. Use brokers of Kafka/
    ),
    details: { api: 'TxnOffsetCommit', broker: cluster.brokers, brokerMaxVersion: 2 }
  })
  await producer.close()
  await client.close()
})

test('offsets are not read from a broker that cannot tell that a transaction holds them', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(1, 'in')
  const client = clientOf(ageing(cluster.brokers, OffsetFetch, 6))
  const partitions = [{ topic: cluster.name('in'), partition: 0 }]
  await expect(
    client.admin.fetchOffsets(cluster.applicationId, partitions, { requireStable: true })
  ).rejects.toMatchObject({
    code: 'CLIENT_UNSUPPORTED_VERSION',
    message: expect.stringMatching(/OffsetFetch is needed in version 7 to \d, but broker \S+ speaks \d to 6\./)
  })
  await client.close()
})

function clientOf(transport: Transport) {
  return createKafkaClient({ transport, clock: systemClock, random: systemRandom, logger: SILENT_LOGGER })
}

/** A connection whose broker says that it knows `api` up to `maxVersion` alone. */
function ageing(brokers: string, api: Api, maxVersion: number): Transport {
  return intercepted(kafkajsTransport({ brokers: [brokers] }), {
    async send(request, connection) {
      const answer = await connection.send(request)
      // One that does not know the version of ApiVersions says so first, in the words of version 0, and is asked again.
      if (request.apiKey !== ApiVersions.key || answer.readInt16BE(0) !== 0) return answer
      const versions = decodeResponse(ApiVersions, request.apiVersion, answer)
      const apiKeys = versions.apiKeys.map(range =>
        range.apiKey === api.key ? { ...range, minVersion: Math.min(range.minVersion, maxVersion), maxVersion } : range
      )
      return encodeResponse(ApiVersions, request.apiVersion, { ...versions, apiKeys })
    }
  })
}
