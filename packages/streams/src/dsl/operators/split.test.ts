import { expect, test } from 'vitest'
import { StreamsBuilder } from '../streams-builder.ts'
import { run, TEXT } from '../test-support/run-topology.ts'

test('sends a record down the first branch that fits, or the default one', async () => {
  const outputs = await run(
    builder => {
      const { big, even, rest } = builder
        .stream('in', TEXT)
        .split()
        .branch('big', (_key, value) => value > 10)
        .branch('even', (_key, value) => value % 2 === 0)
        .defaultBranch('rest')
      big.mapValues(value => `big ${value}`).to('out', { value: TEXT.value })
      even.mapValues(value => `even ${value}`).to('out', { value: TEXT.value })
      rest.to('out')
    },
    ['a=12@1', 'b=2@2', 'c=1@3']
  )
  expect(outputs).toEqual(['a="big 12"@1', 'b="even 2"@2', 'c=1@3'])
})

test('drops what no branch takes when there is no default', async () => {
  const outputs = await run(
    builder => {
      const { even } = builder
        .stream('in', TEXT)
        .split()
        .branch('even', (_key, value) => value % 2 === 0)
        .noDefaultBranch()
      even.to('out')
    },
    ['a=1@1', 'b=2@2']
  )
  expect(outputs).toEqual(['b=2@2'])
})

test('refuses two branches of one name, and branches after the default one', () => {
  const split = new StreamsBuilder()
    .stream('in', TEXT)
    .split()
    .branch('a', () => true)
  expect(() => split.branch('a', () => true)).toThrow(/'KSTREAM-BRANCH-0000000001' has two branches 'a'/)
  split.defaultBranch('rest')
  expect(() => split.branch('b', () => true)).toThrow(/comes after the default branch/)
})
