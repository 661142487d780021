import { expect, test } from 'vitest'
import { run, TEXT } from '../test-support/run-topology.ts'

test('makes a new key and value and keeps the time', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .map((key, value) => [`${key}!`, value + 1])
        .to('out', TEXT),
    ['a=1@7']
  )
  expect(outputs).toEqual(['a!=2@7'])
})

test('takes undefined for null', async () => {
  const outputs = await run(
    builder =>
      builder
        .stream('in', TEXT)
        .map((): [string | undefined, undefined] => [undefined, undefined])
        .to('out', TEXT),
    ['a=1@7']
  )
  expect(outputs).toEqual(['=@7'])
})

test('forgets the serdes, since the types may have changed', async () => {
  await expect(
    run(
      builder =>
        builder
          .stream('in', TEXT)
          .map((key, value) => [key, value])
          .to('out'),
      []
    )
  ).rejects.toMatchObject({ code: 'TOPOLOGY_SERDE_MISSING', details: { node: 'KSTREAM-SINK-0000000002', role: 'key' } })
})
