import { expect, test } from 'vitest'
import { type Serde, StreamsError, string } from '../core/index.ts'
import { SILENT_LOGGER } from '../ports/index.ts'
import { keyValueStore, stateIdentities, type Topology, TopologyBuilder } from '../topology/index.ts'
import { systemClock } from '../ports/index.ts'
import { MemoryKafka } from './test-support/memory-kafka.ts'
import { checkTopology, type TopologyCheckOptions } from './topology-check.ts'
import { encode } from './topology-record.ts'

const NOTED = 'app-millrace-topology-changelog'

/** A store of that name that is fed from a topic. */
function storing(name: string, topic: string, value: Serde<any> = string()): Topology {
  return new TopologyBuilder()
    .addSource('in', { topics: topic, key: string(), value: string() })
    .addProcessor('keep', () => ({ process() {} }), ['in'])
    .addStateStore(keyValueStore(name, { key: string(), value }), ['keep'])
    .build()
}

async function check(kafka: MemoryKafka, topology: Topology, options: Partial<TopologyCheckOptions> = {}) {
  const notes = await checkTopology(topology, {
    applicationId: 'app',
    onTopologyChange: 'fail',
    client: kafka.client(),
    clock: systemClock,
    logger: SILENT_LOGGER,
    createTopic: async ({ name }) => {
      if (!kafka.topics.has(name)) kafka.topics.set(name, [])
    },
    isStopping: () => false,
    ...options
  })
  await notes?.prepare()
  await notes?.write()
  // What an application does next, and that something is processed.
  for (const { topic } of stateIdentities(topology)) {
    const name = `app-${topic}`
    if (!kafka.topics.has(name)) kafka.topics.set(name, [])
    kafka.append(name, 'k', 'v')
  }
}

const notes = (kafka: MemoryKafka) => kafka.topics.get(NOTED)?.map(({ value }) => String(value))
const CHANGED = { code: 'TOPOLOGY_CHANGED' }

test('notes what is new, once', async () => {
  const kafka = new MemoryKafka()
  await check(kafka, storing('s', 'a'))
  const [identity] = stateIdentities(storing('s', 'a'))
  expect(notes(kafka)).toEqual([identity && encode(identity)])
  await check(kafka, storing('s', 'a'))
  await check(kafka, storing('t', 'b'))
  expect(notes(kafka)).toHaveLength(2)
})

test('what was made before there were notes is taken as it is', async () => {
  const kafka = new MemoryKafka()
  kafka.topics.set('app-s-changelog', [])
  kafka.append('app-s-changelog', 'k', 'v')
  await check(kafka, storing('s', 'a'))
  await expect(check(kafka, storing('s', 'b'))).rejects.toMatchObject(CHANGED)
})

test('an accepted change is logged and holds from then on', async () => {
  const kafka = new MemoryKafka()
  const warnings: string[] = []
  const logger = { ...SILENT_LOGGER, warn: (text: string) => void warnings.push(text) }
  await check(kafka, storing('s', 'a'))
  await check(kafka, storing('s', 'b'), { onTopologyChange: 'accept', logger })
  expect(warnings).toEqual([expect.stringContaining("store 's' would be taken for something else")])
  await check(kafka, storing('s', 'b'))
  await expect(check(kafka, storing('s', 'a'))).rejects.toMatchObject(CHANGED)
})

test('a store that was given up is not looked for under other numbers, but its name is not free either', async () => {
  const kafka = new MemoryKafka()
  const numbered = (number: number, topic: string): Topology => {
    const name = `KSTREAM-AGGREGATE-STATE-STORE-000000000${number}`
    return { ...storing(name, topic), generatedNames: new Set([name]) }
  }
  await check(kafka, numbered(1, 'a'))
  await check(kafka, storing('named', 'a'))
  await check(kafka, numbered(2, 'a'))
  await expect(check(kafka, numbered(1, 'b'))).rejects.toMatchObject(CHANGED)
  await check(kafka, numbered(1, 'a'))
  await expect(check(kafka, numbered(3, 'a'))).rejects.toMatchObject(CHANGED)
  await check(kafka, numbered(3, 'a'), { onTopologyChange: 'accept' })
  await check(kafka, numbered(3, 'a'))
})

test('notes of a topic that is gone, or empty, count for nothing', async () => {
  const kafka = new MemoryKafka()
  await check(kafka, storing('s', 'a'))
  kafka.topics.delete('app-s-changelog')
  await check(kafka, storing('s', 'b'))
  kafka.topics.set('app-s-changelog', [])
  await check(kafka, storing('s', 'c'))
  await expect(check(kafka, storing('s', 'b'))).rejects.toMatchObject(CHANGED)
})

test('notes of an empty topic count while others are in the group', async () => {
  const kafka = new MemoryKafka()
  await check(kafka, storing('s', 'a'))
  kafka.topics.set('app-s-changelog', [])
  kafka.memberCount = 1
  await expect(check(kafka, storing('s', 'b'))).rejects.toMatchObject({
    ...CHANGED,
    message: expect.stringContaining('They are empty, but others are in the group')
  })
  await check(kafka, storing('s', 'a'))
  kafka.memberCount = 0
  await expect(check(kafka, storing('s', 'b'))).rejects.toMatchObject({
    message: expect.not.stringContaining('They are empty')
  })
  kafka.topics.set('app-s-changelog', [])
  await check(kafka, storing('s', 'b'))
})

test('a topic that another version has made and noted since it was looked for is there', async () => {
  const kafka = new MemoryKafka()
  await check(kafka, storing('s', 'a'))
  kafka.topics.delete('app-s-changelog')
  const client = kafka.client()
  const createFetcher: typeof client.createFetcher = options => {
    kafka.topics.set('app-s-changelog', [])
    kafka.append('app-s-changelog', 'k', 'v')
    return client.createFetcher(options)
  }
  await expect(check(kafka, storing('s', 'b'), { client: { ...client, createFetcher } })).rejects.toMatchObject(CHANGED)
})

test('of two versions that start for the first time at once, the one that notes later is refused', async () => {
  const kafka = new MemoryKafka()
  const [first] = stateIdentities(storing('s', 'a'))
  if (first === undefined) throw new Error('It has a store.')
  kafka.beforeWriting = () => {
    kafka.beforeWriting = () => {}
    kafka.append(NOTED, first.topic, encode(first))
  }
  await expect(check(kafka, storing('s', 'b'))).rejects.toMatchObject(CHANGED)
  kafka.topics.set('app-s-changelog', [])
  kafka.append('app-s-changelog', 'k', 'v')
  await check(kafka, storing('s', 'a'))
  await expect(check(kafka, storing('s', 'b'))).rejects.toMatchObject(CHANGED)
})

test('notes of a newer release, and what is no note, are left alone', async () => {
  const kafka = new MemoryKafka()
  await check(kafka, storing('s', 'a'))
  for (const text of ['{"version":2}', 'nonsense', 'null']) {
    kafka.append(NOTED, 's-changelog', text)
    const before = notes(kafka)
    await check(kafka, storing('s', 'b'))
    expect(notes(kafka)).toEqual(before)
  }
})

test('says what the topic is for when it cannot be created, and how to go without', async () => {
  const kafka = new MemoryKafka()
  const refusal = new StreamsError('CLIENT_AUTHORIZATION_FAILED', 'Creating the topic failed. Grant the right.')
  const createTopic = () => Promise.reject(refusal)
  await expect(check(kafka, storing('s', 'a'), { createTopic })).rejects.toMatchObject({
    code: 'CLIENT_AUTHORIZATION_FAILED',
    message: expect.stringMatching(
      /Grant the right\. In the topic 'app-millrace-topology-changelog' .*with one partition.*'ignore'/
    )
  })
  await check(kafka, storing('s', 'a'), { createTopic, onTopologyChange: 'ignore' })
  expect(notes(kafka)).toBeUndefined()

  const client = kafka.client()
  const describeTopics = () => Promise.reject(refusal)
  const unseen = { ...client, admin: { ...client.admin, describeTopics } }
  await expect(check(kafka, storing('s', 'a'), { client: unseen })).rejects.toMatchObject({
    message: expect.stringContaining("In the topic 'app-millrace-topology-changelog'")
  })
})

test('writes nothing, and compares nothing, when it is stopped while reading', async () => {
  const kafka = new MemoryKafka()
  await check(kafka, storing('s', 'a'))
  await check(kafka, storing('s', 'b'), { isStopping: () => true })
  expect(notes(kafka)).toHaveLength(1)
})

test('refuses a store whose changelog would be that topic', async () => {
  await expect(check(new MemoryKafka(), storing('millrace-topology', 'a'))).rejects.toMatchObject({
    code: 'TOPOLOGY_TOPIC_CONFLICT'
  })
})
