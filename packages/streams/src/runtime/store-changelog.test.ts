import { TopologyTestDriver } from '@millrace/testing'
import { describe, expect, test } from 'vitest'
import { json, session, string, tumbling } from '../core/index.ts'
import { StreamsBuilder } from '../index.ts'
import { storeChangelog } from './store-changelog.ts'

const clicks = { key: string(), value: string() }

function topology() {
  const builder = new StreamsBuilder()
  const byUser = builder.stream('clicks', clicks).groupByKey()
  byUser.count({ store: 'counts' })
  byUser.windowedBy(tumbling(10)).count({ store: 'windows' })
  byUser.windowedBy(session(10)).count({ store: 'sessions' })
  byUser.count({ store: 'unlogged', changelog: false })
  builder.table('users', { ...clicks, store: 'users' })
  return builder.build()
}

describe('the changelog of a store', () => {
  test.each([
    { store: 'counts', key: 'a' },
    { store: 'windows', key: { key: 'a', startMs: 10, endMs: 20 } },
    { store: 'sessions', key: { key: 'a', startMs: 15, endMs: 15 } }
  ])('of $store is read by its serdes', async ({ store, key }) => {
    await using driver = await TopologyTestDriver.open(topology())
    const { topic, ...serdes } = storeChangelog(topology(), 'test', store)
    driver.inputTopic('clicks', clicks).pipe('a', '/', 15)
    await driver.commit()
    expect(topic).toBe(`test-${store}-changelog`)
    expect(driver.outputTopic(topic, serdes).readKeyValues()).toEqual([[key, 1]])
  })

  test('of a window is written by its serdes as it was', async () => {
    const { key, topic } = storeChangelog(topology(), 'test', 'windows')
    const context = { topic, isKey: true }
    const bytes = key.serialize({ key: 'a', startMs: 258, endMs: 268 }, context)
    expect([...bytes]).toEqual([97, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0])
    expect(key.deserialize(bytes, context)).toEqual({ key: 'a', startMs: 258, endMs: 268 })
  })

  test('of a table that reads its changelog is the topic it reads', () => {
    const builder = new StreamsBuilder()
    builder.table('users', { key: string(), value: json<number>(), store: 'users' })
    expect(storeChangelog(builder.build({ optimization: 'all' }), 'app', 'users').topic).toBe('users')
    expect(storeChangelog(topology(), 'app', 'users').topic).toBe('app-users-changelog')
  })

  test.each([
    ['unlogged', /no changelog/],
    ['nothing', /There is no store 'nothing'.*'counts'/]
  ])('of %s is refused', (store, message) => {
    expect(() => storeChangelog(topology(), 'app', store)).toThrow(
      expect.objectContaining({ code: 'STORE_NOT_FOUND', message: expect.stringMatching(message) })
    )
  })
})
