import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateTopics,
  EndTxn,
  Fetch,
  InitProducerId,
  ListOffsets,
  OffsetCommit,
  OffsetFetch,
  Produce,
  RecordBatchCursor,
  ZERO_UUID
} from '@millrace/protocol'
import { afterEach, expect, test } from 'vitest'
import { ErrorCode } from './error-code.ts'
import { batchOf } from './log/test-support/log-rig.ts'
import { WireClient } from './test-support/wire-client.ts'

const CHILD = join(import.meta.dirname, 'test-support', 'broker-child.ts')
/** Above it no file of the broker grows, as on a disk that is full. */
const MAX_FILE_BLOCKS = 128
const TOPIC = 't'
const GROUP = 'g'
const ID = 'id'

const cleanups: (() => void)[] = []
afterEach(() => cleanups.splice(0).forEach(cleanup => cleanup()))

async function start(dir: string, full: boolean): Promise<{ child: ChildProcess; client: WireClient }> {
  const limit = full ? `ulimit -f ${MAX_FILE_BLOCKS};` : ''
  const command = `${limit} exec "$0" "$1" "$2" 0`
  const child = spawn('sh', ['-c', command, process.execPath, CHILD, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
  cleanups.push(() => child.kill('SIGKILL'))
  const [address] = (await once(child.stdout, 'data')) as [Buffer]
  const client = WireClient.dial(String(address).trim())
  cleanups.push(() => client.close())
  return { child, client }
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function produce(client: WireClient, value: string, partition = 0, producer = {}): Promise<number> {
  const records = batchOf([{ value }], Date.now(), producer)
  const topicData = [{ name: TOPIC, partitionData: [{ index: partition, records }] }]
  const transactionalId = 'transactional' in producer ? ID : null
  const answer = await client.send(Produce, 12, { transactionalId, acks: -1, timeoutMs: 1000, topicData })
  return answer.responses[0]!.partitionResponses[0]!.errorCode
}

async function commit(client: WireClient, committedOffset: number, metadataBytes = 0): Promise<number> {
  const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: 'm'.repeat(metadataBytes) }]
  const request = { groupId: GROUP, generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: TOPIC, partitions }] }
  return (await client.send(OffsetCommit, 8, request)).topics[0]!.partitions[0]!.errorCode
}

async function values(client: WireClient, partition: number): Promise<string[]> {
  const seen: string[] = []
  const cursor = new RecordBatchCursor()
  for (let fetchOffset = 0; ; fetchOffset = cursor.position) {
    const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }]
    const topics = [{ topic: TOPIC, topicId: ZERO_UUID, partitions }]
    const answer = await client.send(Fetch, 11, { maxWaitMs: 0, minBytes: 0, isolationLevel: 1, topics })
    const { records, abortedTransactions, lastStableOffset } = answer.responses[0]!.partitions[0]!
    cursor.reset(records, fetchOffset, abortedTransactions)
    while (cursor.next())
      seen.push(cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd).slice(0, 8).trim())
    if (cursor.position >= lastStableOffset) return seen
  }
}

test.skipIf(process.platform === 'win32')(
  'on a disk that is full it says so, and loses nothing acknowledged',
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-broker-'))
    cleanups.push(() => rmSync(dir, { recursive: true, force: true }))
    const { child, client } = await start(dir, true)
    const topics = [{ name: TOPIC, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }]
    await client.send(CreateTopics, 7, { topics, timeoutMs: 1000 })

    // Records: large ones until one no longer fits, then one that does.
    const kept: string[] = []
    const fill = async (size: number): Promise<void> => {
      for (let i = 0; i < 1000; i++) {
        const name = `v${kept.length}`.padEnd(8)
        const errorCode = await produce(client, name.padEnd(size, '.'))
        if (errorCode === ErrorCode.NONE) kept.push(name.trim())
        else return expect(errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
      }
      throw new Error('The disk does not get full.')
    }
    await fill(10_000)
    await fill(1000)
    await fill(100)

    const identity = await client.send(InitProducerId, 5, { transactionalId: ID, transactionTimeoutMs: 60_000 })
    const { producerId, producerEpoch } = identity
    const producer = { producerId, producerEpoch, baseSequence: 0, transactional: true }
    expect(await produce(client, 'in-txn', 1, producer)).toBe(ErrorCode.NONE)
    let committedOffset = 0
    for (let errorCode = 0; errorCode === 0; ) {
      errorCode = await commit(client, committedOffset + 1, 2000)
      if (errorCode === 0) committedOffset++
      else expect(errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    }
    // What fits is still taken, behind what did not.
    expect(await commit(client, ++committedOffset)).toBe(ErrorCode.NONE)
    const ended = await client.send(EndTxn, 5, { transactionalId: ID, producerId, producerEpoch, committed: true })
    expect(ended.errorCode).toBe(ErrorCode.NONE)
    await kill(child)

    // With room again all of it is there, and writing goes on.
    const after = await start(dir, false)
    expect(await values(after.client, 0)).toEqual(kept)
    expect(await values(after.client, 1)).toEqual(['in-txn'])
    const groups = [{ groupId: GROUP, topics: [{ name: TOPIC, partitionIndexes: [0] }] }]
    const stored = await after.client.send(OffsetFetch, 8, { groups, requireStable: true })
    expect(stored.groups[0]?.topics[0]?.partitions[0]?.committedOffset).toBe(committedOffset)
    expect(await produce(after.client, 'more')).toBe(ErrorCode.NONE)
    expect(await commit(after.client, 7)).toBe(ErrorCode.NONE)
    const partitions = [{ partitionIndex: 0, timestamp: -1 }]
    const listed = await after.client.send(ListOffsets, 5, { replicaId: -1, topics: [{ name: TOPIC, partitions }] })
    expect(listed.topics[0]?.partitions[0]?.offset).toBe(kept.length + 1)
  },
  60_000
)
