import { describe, expect, test } from 'vitest'
import { string } from '../core/index.ts'
import {
  keyValueStore,
  orderedKeyValueStore,
  sessionStore,
  timestampedKeyValueStore,
  timestampedWindowStore,
  versionedKeyValueStore,
  windowStore
} from './stores.ts'

const SERDES = { key: string(), value: string() }

test('declares a store of each kind: persistent, with a changelog, without a cache', () => {
  const stores = [
    keyValueStore('a', SERDES),
    timestampedKeyValueStore('b', SERDES),
    orderedKeyValueStore('c', SERDES),
    windowStore('d', { ...SERDES, windowSize: '1m', retention: '1h', retainDuplicates: true }),
    timestampedWindowStore('e', { ...SERDES, windowSize: 10, retention: 10 }),
    sessionStore('f', { ...SERDES, retention: '1s' }),
    versionedKeyValueStore('g', { ...SERDES, historyRetention: 0 })
  ]
  for (const store of stores) {
    const changelog = { sourceTopic: undefined, topicConfig: {} }
    expect(store).toMatchObject({ ...SERDES, persistent: true, caching: false, changelog })
  }
  expect(stores.map(({ name, kind }) => [name, kind])).toEqual([
    ['a', 'key-value'],
    ['b', 'timestamped-key-value'],
    ['c', 'ordered-key-value'],
    ['d', 'window'],
    ['e', 'timestamped-window'],
    ['f', 'session'],
    ['g', 'versioned-key-value']
  ])
  expect(stores[3]).toMatchObject({ windowSizeMs: 60_000, retentionMs: 3_600_000, retainDuplicates: true })
  expect(stores[5]).toMatchObject({ retentionMs: 1000 })
  expect(stores[6]).toMatchObject({ historyRetentionMs: 0 })
})

test('takes memory, topic configs, and no changelog', () => {
  expect(keyValueStore('s', { ...SERDES, persistent: false, changelog: false })).toMatchObject({
    persistent: false,
    changelog: undefined
  })
  expect(keyValueStore('s', { ...SERDES, changelog: { 'segment.bytes': '1048576' } }).changelog).toEqual({
    sourceTopic: undefined,
    topicConfig: { 'segment.bytes': '1048576' }
  })
})

describe('refuses, naming the store,', () => {
  test.each([
    ['a name that no topic could have', () => keyValueStore('a b', SERDES), /'a b' cannot be the name of a store/],
    ['a missing serde', () => keyValueStore('s', { key: string() } as never), /Store 's' has no value serde/],
    [
      'no options at all',
      () => keyValueStore('s', undefined as never),
      /Store 's' takes an object of options, not undefined/
    ],
    [
      'a window without size',
      () => windowStore('s', { ...SERDES, windowSize: 0, retention: 1 }),
      /size of store 's' is 0/
    ],
    [
      'a retention below the window',
      () => windowStore('s', { ...SERDES, windowSize: 10, retention: 9 }),
      /retention of store 's' is 9 ms; make it at least the size of its windows, 10 ms/
    ],
    ['a session store without retention', () => sessionStore('s', { ...SERDES, retention: 0 }), /'s' is 0 ms/]
  ])('%s', (_what, declare, message) => {
    expect(declare).toThrow(message)
  })
})
