import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKafkaClient } from '@millrace/client'
import { NO_HEADERS } from '@millrace/streams/core'
import { type RecordProducer, SILENT_LOGGER, systemClock, systemRandom } from '@millrace/streams/ports'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CapturedIo } from './fixtures/captured-io.ts'
import { main } from './main.ts'

const brokers = process.env.KAFKA_BROKERS ?? ''
const prefix = `txn-${randomUUID().slice(0, 8)}`
const topic = `${prefix}-topic`
const client = createKafkaClient({
  transport: kafkajsTransport({ brokers: brokers.split(',') }),
  clock: systemClock,
  random: systemRandom,
  logger: SILENT_LOGGER
})
const producers: RecordProducer[] = []
const folder = mkdtempSync(join(tmpdir(), 'millrace-txn-'))

beforeAll(async () => {
  if (brokers === '') throw new Error('KAFKA_BROKERS is not set: it names the broker that this test talks to.')
  await client.admin.createTopics([{ name: topic, partitionCount: 3, replicationFactor: 1, configs: {} }])
})

afterAll(async () => {
  for (const producer of producers) await producer.close({ timeoutMs: 5_000 })
  await client.admin.deleteTopics([topic])
  await client.close()
  rmSync(folder, { recursive: true })
})

/** Opens a transaction with one record in each partition, which are written. */
async function open(transactionalId: string, partitions: readonly number[]): Promise<RecordProducer> {
  const producer = await client.createProducer({ transactionalId, transactionTimeoutMs: 60_000 })
  producers.push(producer)
  const appender = await producer.topic(topic)
  const value = Buffer.from('v')
  for (const partition of partitions) appender.append(partition, null, 0, -1, value, 0, 1, Date.now(), NO_HEADERS)
  await producer.flush()
  return producer
}

async function run(...argv: string[]): Promise<{ code: number; text: string }> {
  const io = new CapturedIo()
  const code = await main(['txn', ...argv], io)
  return { code, text: io.text }
}

const offset = async (partition: number, isolation: 'read_committed' | 'read_uncommitted') =>
  (await client.admin.listOffsets([{ topic, partition, at: 'latest' }], isolation))[0]?.offset

test('lists and describes what is open, and abort ends it and fences its producer', async () => {
  const id = `${prefix}-open`
  const producer = await open(id, [0, 1])
  expect(await offset(0, 'read_committed')).toBe(0)

  const listed = await run('list', '--brokers', brokers, '--state', 'Ongoing')
  expect(listed.code).toBe(0)
  const [headings = '', ...rows] = listed.text.trimEnd().split('\n')
  const row = rows.find(each => each.startsWith(id)) ?? ''
  expect(headings).toMatch(/^TRANSACTIONAL ID +STATE +PRODUCER +EPOCH +AGE +TIMEOUT +PARTITIONS$/)
  expect(row).toMatch(/ Ongoing +\d+ +\d+ +\d+m?s +1m +2$/)
  expect(row.indexOf('Ongoing')).toBe(headings.indexOf('STATE'))

  const described = await run('describe', id, '--bootstrap-server', brokers, '--json')
  expect(described.code).toBe(0)
  expect(JSON.parse(described.text)).toMatchObject({
    transactionalId: id,
    state: 'Ongoing',
    producerId: expect.stringMatching(/^\d+$/),
    timeoutMs: 60_000,
    ageMs: expect.any(Number),
    partitions: [
      { topic, partition: 0 },
      { topic, partition: 1 }
    ]
  })
  expect((await run('describe', id, '-b', brokers)).text).toMatch(new RegExp(`partitions +${topic}-0 ${topic}-1\n`))

  const aborted = await run('abort', id, '-b', brokers)
  expect(aborted).toMatchObject({
    code: 0,
    text: expect.stringMatching(/was aborted\. Its producer \(id \d+, epoch \d+\) is fenced/)
  })
  expect(await offset(0, 'read_committed')).toBe(await offset(0, 'read_uncommitted'))
  const group = { groupId: prefix, generationId: -1, memberId: '', groupInstanceId: undefined }
  await expect(producer.commit([], group)).rejects.toMatchObject({ code: 'PRODUCER_FENCED' })
  const again = await run('abort', id, '-b', brokers)
  expect(again).toEqual({
    code: 0,
    text: expect.stringMatching(/has no open transaction: it is (CompleteAbort|Empty). Nothing was done/)
  })
})

test('lists only those that are open for longer', async () => {
  const id = `${prefix}-young`
  await open(id, [2])
  const young = await run('list', '-b', brokers, '--longer-than', '10m', '--json')
  expect(young.code).toBe(0)
  expect((JSON.parse(young.text) as { transactionalId: string }[]).map(each => each.transactionalId)).not.toContain(id)
  await expect
    .poll(async () => (await run('list', '-b', brokers, '--longer-than', '1ms')).text, { timeout: 10_000 })
    .toContain(id)
  expect((await run('abort', id, '-b', brokers)).code).toBe(0)
})

test('aborts in one partition what begins at an offset, and tells of the others when there is none', async () => {
  const start = (await offset(2, 'read_uncommitted')) as number
  await open(`${prefix}-part`, [2])
  expect(await offset(2, 'read_committed')).toBe(start)
  const where = ['--topic', topic, '--partition', '2', '-b', brokers]
  // Its coordinator knows it, and will end it: it does not hang.
  expect(await run('find-hanging', ...where, '--longer-than', '1ms')).toMatchObject({
    code: 0,
    text: expect.stringContaining('None is open')
  })

  const missed = await run('abort', ...where, '--start-offset', '4711')
  expect(missed.code).toBe(1)
  expect(missed.text).toContain(`begins at offset 4711. Open there are those that begin at ${start} (producer `)
  const aborted = await run('abort', ...where, '--start-offset', String(start))
  expect(aborted).toMatchObject({
    code: 0,
    text: expect.stringContaining(`began at offset ${start} of ${topic}-2 was aborted`)
  })
  expect(await offset(2, 'read_committed')).toBe(start + 2)
})

test('says what is not there, and what cannot be', async () => {
  const unknown = await run('describe', `${prefix}-nobody`, '-b', brokers)
  expect(unknown).toMatchObject({
    code: 1,
    text: expect.stringContaining("No coordinator knows the transactional id '")
  })
  expect((await run('abort', `${prefix}-nobody`, '-b', brokers)).code).toBe(1)
  // Looking has not made it.
  expect((await run('list', '-b', brokers)).text).not.toContain(`${prefix}-nobody`)
  const state = await run('list', '-b', brokers, '--state', 'Hanging')
  expect(state).toMatchObject({ code: 2, text: expect.stringContaining("no transaction state 'Hanging'") })
  const topicless = await run('find-hanging', '-b', brokers, '--topic', `${prefix}-none`)
  expect(topicless).toMatchObject({ code: 1, text: expect.stringContaining('does not exist') })
  const nowhere = await run('list', '-b', 'localhost:1')
  expect(nowhere).toMatchObject({ code: 1, text: expect.stringContaining('localhost:1') })
})

test('takes the connection from a file, a module or JSON, and refuses what the file should not say', async () => {
  const json = join(folder, 'client.json')
  const module = join(folder, 'client.mjs')
  writeFileSync(json, JSON.stringify({ brokers: brokers.split(','), clientId: 'somebody' }))
  writeFileSync(module, `export default { brokers: ${JSON.stringify(brokers.split(','))} }`)
  for (const file of [json, module]) expect((await run('list', '--client-config', file)).code).toBe(0)
  writeFileSync(json, JSON.stringify({ broker: brokers }))
  expect(await run('list', '-c', json, '-b', brokers)).toMatchObject({
    code: 2,
    text: expect.stringContaining("Did you mean 'brokers'")
  })
  writeFileSync(json, '[]')
  expect(await run('list', '-c', json)).toMatchObject({
    code: 2,
    text: expect.stringContaining('has to be a JSON object')
  })
  expect(await run('list', '-c', join(folder, 'none.json'))).toMatchObject({
    code: 2,
    text: expect.stringContaining('cannot be read')
  })
})
