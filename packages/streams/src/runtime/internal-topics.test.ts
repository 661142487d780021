import { expect, test } from 'vitest'
import type { Clock, KafkaAdmin, TopicDescription } from '../ports/index.ts'
import { SILENT_LOGGER } from '../ports/index.ts'
import type { StoreSpec, Topology } from '../topology/index.ts'
import { prepareTopics } from './internal-topics.ts'

const store = { name: 'counts', changelog: { sourceTopic: undefined, topicConfig: {} } } as unknown as StoreSpec
const counting: Topology = {
  subTopologies: [
    {
      id: 0,
      nodes: [],
      stores: [store],
      sourceTopics: ['in'],
      sourcePatterns: [],
      sinkTopics: [],
      repartitionSources: [],
      copartitionGroups: []
    }
  ],
  globalSubTopologies: [],
  describe: () => ''
}

/** Timers fire at once, moving the time on. */
function hurriedClock(): Clock {
  let nowMs = 0
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    setTimer(delayMs, callback) {
      nowMs += delayMs
      queueMicrotask(callback)
      return () => {}
    }
  }
}

/** A broker that learns of a created topic only after it was asked for it `looks` times. */
function slowAdmin(looks: number): KafkaAdmin {
  const topics = new Map<string, TopicDescription>()
  const add = (name: string, partitionCount: number) =>
    topics.set(name, { name, partitionCount, replicationFactor: 1, internal: false })
  add('in', 2)
  const created = new Map<string, number>()
  let left = looks
  const admin: Partial<KafkaAdmin> = {
    async describeTopics(names) {
      if (created.size > 0 && left-- <= 0) for (const [name, count] of created) add(name, count)
      return new Map([...topics].filter(([name]) => names?.includes(name)))
    },
    async createTopics(wanted) {
      for (const { name, partitionCount } of wanted) created.set(name, partitionCount)
      return new Map(wanted.map(({ name }) => [name, 'created']))
    }
  }
  return admin as KafkaAdmin
}

const options = () => ({
  replicationFactor: -1,
  deadLetterTopic: undefined,
  clock: hurriedClock(),
  logger: SILENT_LOGGER
})

test('waits until a topic that it created is known', async () => {
  const plan = await prepareTopics(counting, 'app', slowAdmin(5), options())
  expect(plan.changelogTopics.map(topic => topic.name)).toEqual(['app-counts-changelog'])
})

test('gives up on a topic that never becomes known, and names it', async () => {
  await expect(prepareTopics(counting, 'app', slowAdmin(1_000_000), options())).rejects.toMatchObject({
    code: 'TOPIC_MISSING',
    message: expect.stringContaining("'app-counts-changelog'")
  })
})

/** Tells in order what is created; a topic is known at once. */
function recordingAdmin(events: string[], createTopics?: KafkaAdmin['createTopics']): KafkaAdmin {
  const admin = slowAdmin(0)
  return {
    ...admin,
    createTopics: async topics => {
      events.push(...topics.map(({ name }) => `create ${name}`))
      return await (createTopics ?? admin.createTopics)(topics)
    }
  }
}

test('what is noted of internal topics is prepared beside their creation, and written after both', async () => {
  const events: string[] = []
  const created = Promise.withResolvers<void>()
  const admin = recordingAdmin(events)
  const beforeCreating = async () => {
    events.push('compare')
    return {
      prepare: async () => {
        await created.promise
        events.push('prepared')
      },
      write: async () => void events.push('write')
    }
  }
  const creating: KafkaAdmin = {
    ...admin,
    createTopics: async topics => {
      const results = await admin.createTopics(topics)
      created.resolve()
      return results
    }
  }
  await prepareTopics(counting, 'app', creating, { ...options(), beforeCreating })
  expect(events).toEqual(['compare', 'create app-counts-changelog', 'prepared', 'write'])
})

test('nothing is created when the comparison refuses, and nothing written when the creation fails', async () => {
  const events: string[] = []
  const refusing = { ...options(), beforeCreating: () => Promise.reject(new Error('changed')) }
  await expect(prepareTopics(counting, 'app', recordingAdmin(events), refusing)).rejects.toThrow('changed')
  expect(events).toEqual([])

  const failing = recordingAdmin(events, () => Promise.reject(new Error('no right')))
  let prepared = false
  const notes = {
    prepare: async () => {
      await new Promise<void>(resolve => setImmediate(resolve))
      prepared = true
    },
    write: async () => void events.push('write')
  }
  const noting = { ...options(), beforeCreating: async () => notes }
  await expect(prepareTopics(counting, 'app', failing, noting)).rejects.toThrow('no right')
  expect(events).toEqual(['create app-counts-changelog'])
  expect(prepared).toBe(true)
})

test('what the application notes in a topic of its own is no input of a pattern', async () => {
  const [sub] = counting.subTopologies
  if (sub === undefined) throw new Error('It has a sub-topology.')
  const matching = { ...counting, subTopologies: [{ ...sub, sourceTopics: [], sourcePatterns: [/^.*$/] }] }
  const names = ['in', 'app-counts-changelog', 'app-millrace-topology-changelog', 'other-millrace-topology-changelog']
  const topics = new Map(
    names.map(name => [name, { name, partitionCount: 1, replicationFactor: 1, internal: false }] as const)
  )
  const admin: Partial<KafkaAdmin> = {
    describeTopics: async (wanted = names) => new Map([...topics].filter(([name]) => wanted.includes(name)))
  }
  const plan = await prepareTopics(matching, 'app', admin as KafkaAdmin, options())
  expect([...(plan.inputs.get(0) ?? [])]).toEqual([
    ['in', 1],
    ['other-millrace-topology-changelog', 1]
  ])
})
