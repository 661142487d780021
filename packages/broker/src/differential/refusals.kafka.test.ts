import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import * as protocol from '@millrace/protocol'
import type { Api, RequestOf, ResponseOf } from '@millrace/protocol'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WireClient } from '../test-support/wire-client.ts'
import { openSides, prepare, type Side } from './test-support/side.ts'

const topic = `like-kafka-${randomUUID().slice(0, 8)}`
const missing = `${topic}-missing`
const protocols = [{ name: 'range', metadata: Buffer.alloc(0) }]
const stranger = { transactionalId: missing, producerId: 1n, producerEpoch: 0 }
const nobody = { ...stranger, transactionalId: '' }
const offset = (partitionIndex: number) => ({ partitionIndex, committedOffset: 3, committedMetadata: null })

let sides: readonly [Side, Side]

beforeAll(async () => {
  sides = await openSides()
  await Promise.all(sides.map(side => prepare(side, [topic])))
})

afterAll(async () => {
  for (const side of sides) await side.close()
})

/** Asks both brokers in each version that we speak, from `from` on; what answers say of addresses is left out. */
async function same<A extends Api>(api: A, body: RequestOf<A>, from = api.minVersion): Promise<void> {
  for (let version = from; version <= api.maxVersion; version++) {
    const answers: ResponseOf<A>[] = []
    for (const { address } of sides) {
      const client = WireClient.dial(address)
      answers.push(await client.send(api, version, body))
      client.close()
    }
    const [kafka, embedded] = answers
    expect(embedded, `${api.name} v${version} ${JSON.stringify(body, textOfBigint)}`).toEqual(kafka)
  }
}

function textOfBigint(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

it('refuses members that cannot be, in every version', async () => {
  const join = { groupId: missing, sessionTimeoutMs: 10_000, memberId: '', protocolType: 'consumer', protocols }
  await same(protocol.JoinGroup, { ...join, sessionTimeoutMs: 1 })
  await same(protocol.JoinGroup, { ...join, memberId: 'nobody' })
  await same(protocol.JoinGroup, { ...join, protocols: [] })
  await same(protocol.JoinGroup, { ...join, groupId: '' })
  for (const groupId of ['', missing]) {
    const member = { groupId, generationId: 1, memberId: 'nobody' }
    await same(protocol.Heartbeat, member)
    await same(protocol.LeaveGroup, { ...member, members: [member] })
    await same(protocol.SyncGroup, { ...member, protocolType: 'consumer', protocolName: 'range', assignments: [] })
  }
})

it('commits, reads and deletes offsets of topics and groups that are there and that are not', async () => {
  const groupId = `${topic}-group`
  const topics = [
    { name: topic, partitions: [offset(0), offset(7)] },
    { name: missing, partitions: [offset(0)] }
  ]
  await same(protocol.OffsetCommit, { groupId, memberId: '', topics })
  await same(protocol.OffsetCommit, { groupId: missing, generationIdOrMemberEpoch: 4, memberId: 'nobody', topics })
  const read = [
    { name: topic, partitionIndexes: [0, 1, 9] },
    { name: missing, partitionIndexes: [0] }
  ]
  for (const requireStable of [true, false]) {
    for (const asked of [groupId, missing]) {
      await same(protocol.OffsetFetch, {
        groupId: asked,
        topics: read,
        groups: [{ groupId: asked, topics: read }],
        requireStable
      })
    }
    const all = { groupId, topics: null, groups: [{ groupId, topics: null }], requireStable }
    await same(protocol.OffsetFetch, all, 2)
  }
  for (const asked of ['', missing, groupId]) {
    await same(protocol.OffsetDelete, { groupId: asked, topics: [{ name: topic, partitions: [offset(0), offset(7)] }] })
    await same(protocol.DescribeGroups, { groups: [asked], includeAuthorizedOperations: true })
    await same(protocol.DeleteGroups, { groupsNames: [asked] })
  }
})

it('refuses producers that cannot be, in every version', async () => {
  const init = { transactionalId: topic, transactionTimeoutMs: 900_001 }
  await same(protocol.InitProducerId, init)
  await same(protocol.InitProducerId, { ...init, transactionalId: '' })
  await same(protocol.InitProducerId, { ...init, transactionTimeoutMs: 0 })
  await same(protocol.InitProducerId, { ...init, producerId: 4n }, 3)
  for (const producer of [stranger, nobody]) {
    await same(protocol.EndTxn, { ...producer, committed: true })
    await same(protocol.AddOffsetsToTxn, { ...producer, groupId: 'g' })
    for (const groupId of ['g', '']) {
      await same(protocol.TxnOffsetCommit, { ...producer, groupId, topics: [{ name: topic, partitions: [offset(0)] }] })
    }
    const { transactionalId, producerId, producerEpoch } = producer
    // One at most: several come back in the order of a hash map.
    for (const partitions of [[0], [9], []]) {
      const topics = [{ name: topic, partitions }]
      for (const verifyOnly of [true, false]) {
        await same(protocol.AddPartitionsToTxn, {
          v3AndBelowTransactionalId: transactionalId,
          v3AndBelowProducerId: producerId,
          v3AndBelowProducerEpoch: producerEpoch,
          v3AndBelowTopics: topics,
          transactions: [{ ...producer, verifyOnly, topics }]
        })
      }
    }
  }
  await same(protocol.DescribeTransactions, { transactionalIds: [missing, ''] })
  await same(protocol.ListTransactions, { stateFilters: [], producerIdFilters: [], transactionalIdPattern: '[' }, 2)
})

it('ignores bytes behind a request', async () => {
  const body = { groupId: missing, generationId: 1, memberId: 'nobody' }
  const header = { apiKey: protocol.Heartbeat.key, apiVersion: 0, correlationId: 7, clientId: 'wire' }
  const request = [protocol.encodeRequestHeader(header, false), protocol.encodeRequest(protocol.Heartbeat, 0, body)]
  const frame = Buffer.concat([Buffer.alloc(4), ...request, Buffer.from([1, 2, 3])])
  frame.writeInt32BE(frame.length - 4)
  const answers: string[] = []
  for (const { address } of sides) {
    const [host, port] = address.split(':') as [string, string]
    const socket = connect(Number(port), host)
    socket.write(frame)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    answers.push(answer.toString('hex'))
    socket.destroy()
  }
  expect(answers[1]).toBe(answers[0])
})

it('describes producers of partitions that are there and that are not', async () => {
  await same(protocol.DescribeProducers, { topics: [{ name: topic, partitionIndexes: [0, 7] }] })
  await same(protocol.DescribeProducers, { topics: [{ name: missing, partitionIndexes: [0] }] })
})
