import { expect, test } from 'vitest'
import { StreamsBuilder } from '../streams-builder.ts'
import { run, TEXT } from '../test-support/run-topology.ts'

test('takes records as updates and drops null keys', async () => {
  const outputs = await run(
    builder => builder.stream('in', TEXT).toTable().toStream().to('out'),
    ['a=1@1', '=2@2', 'a=@3']
  )
  expect(outputs).toEqual(['a=1@1', 'a=@3'])
})

test('is stored only if it is named or has to be read', () => {
  const builder = new StreamsBuilder()
  builder.stream('a', TEXT).toTable()
  const table = builder.stream('b', TEXT).toTable()
  builder.stream('c', TEXT).join(table, value => value)
  builder.stream('d', TEXT).toTable({ store: 'named' })
  const stores = builder.build().subTopologies.flatMap(sub => sub.stores.map(({ name }) => name))
  expect(stores).toEqual(['KSTREAM-TOTABLE-STATE-STORE-0000000005', 'named'])
})
