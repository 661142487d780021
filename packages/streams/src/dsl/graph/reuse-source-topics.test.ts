import { expect, test } from 'vitest'
import { StreamsBuilder } from '../streams-builder.ts'
import { TEXT } from '../test-support/run-topology.ts'

function changelogs(optimization: 'none' | 'all') {
  const builder = new StreamsBuilder()
  builder.table('a', { ...TEXT, store: 'a' })
  builder.table('b', { ...TEXT, store: 'b', changelog: false })
  builder.table('c', { ...TEXT, store: 'c', timestampExtractor: () => 0 })
  builder.stream('d', TEXT).toTable({ store: 'd' })
  const { subTopologies } = builder.build({ optimization })
  return Object.fromEntries(
    subTopologies.flatMap(sub => sub.stores.map(({ name, changelog }) => [name, changelog && changelog.sourceTopic]))
  )
}

test('lets the topic of a table be its changelog, unless it has none or times of its own', () => {
  const own = { a: undefined, b: undefined, c: undefined, d: undefined }
  expect(changelogs('none')).toEqual(own)
  expect(changelogs('all')).toEqual({ ...own, a: 'a' })
})
