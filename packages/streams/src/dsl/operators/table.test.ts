import { expect, test } from 'vitest'
import { StreamsBuilder } from '../streams-builder.ts'
import { run, TEXT } from '../test-support/run-topology.ts'

test('forwards every update, out-of-order ones and deletions of unknown keys too', async () => {
  const outputs = await run(
    builder =>
      builder
        .table('in', { ...TEXT, store: 'rows' })
        .toStream()
        .to('out'),
    ['a=1@5', 'a=2@3', 'b=@1', '=1@9']
  )
  expect(outputs).toEqual(['a=1@5', 'a=2@3', 'b=@1'])
})

test('refuses a topic that is read as a stream as well', () => {
  const builder = new StreamsBuilder()
  builder.stream('in', TEXT).to('out')
  builder.table('in', TEXT)
  expect(() => builder.build()).toThrow(
    /Topic 'in' is read by 'KSTREAM-SOURCE-0000000000' and by 'KSTREAM-SOURCE-0000000003'/
  )
})

test('names its nodes after the name that it was given', () => {
  const builder = new StreamsBuilder()
  builder.table('in', { ...TEXT, name: 'rows' })
  expect(builder.build().subTopologies[0]?.nodes.map(({ name }) => name)).toEqual(['rows-source', 'rows'])
})
