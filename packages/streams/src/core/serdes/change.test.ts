import { expect, test } from 'vitest'
import { changeSerde } from './change.ts'
import { string } from './string.ts'

const CONTEXT = { topic: 't', isKey: false }
const serde = changeSerde(string())

test.each([
  ['an old value', { before: 'o', after: null }, '6f00'],
  ['a new value', { before: null, after: 'n' }, '6e01'],
  ['both', { before: 'old', after: 'n' }, '026e6f6c6402']
])('writes %s as Kafka Streams does', (_name, change, hex) => {
  const written = serde.serialize({ ...change, isLatest: true }, CONTEXT)
  expect(Buffer.from(written).toString('hex')).toBe(hex)
  expect(serde.deserialize(written, CONTEXT)).toEqual({ ...change, isLatest: true })
})

test('writes lengths above one byte', () => {
  const change = { before: 'b'.repeat(10), after: 'a'.repeat(100_000), isLatest: true }
  expect(serde.deserialize(serde.serialize(change, CONTEXT), CONTEXT)).toEqual(change)
})

test('reads the newer flags, which tell whether the value is the latest', () => {
  expect(serde.deserialize(Buffer.from('6f0003', 'hex'), CONTEXT)).toEqual({
    before: 'o',
    after: null,
    isLatest: false
  })
  expect(serde.deserialize(Buffer.from('6e0104', 'hex'), CONTEXT)).toEqual({ before: null, after: 'n', isLatest: true })
  expect(serde.deserialize(Buffer.from('026e6f0005', 'hex'), CONTEXT)).toEqual({
    before: 'o',
    after: 'n',
    isLatest: false
  })
})

test('refuses a change without values, and unknown flags', () => {
  expect(() => serde.serialize({ before: null, after: null, isLatest: true }, CONTEXT)).toThrow(/cannot be written/)
  expect(() => serde.deserialize(Buffer.from('6f09', 'hex'), CONTEXT)).toThrow(/flag of 0 to 5, not 9/)
  expect(() => serde.deserialize(Buffer.alloc(0), CONTEXT)).toThrow(/flag of 0 to 5/)
})
