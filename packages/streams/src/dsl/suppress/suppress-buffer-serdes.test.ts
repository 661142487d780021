import { expect, test } from 'vitest'
import { json, string } from '../../core/index.ts'
import { bufferKeySerde, bufferRowSerde } from './suppress-buffer-serdes.ts'

const CONTEXT = { topic: 't', isKey: false }

test('keys by time are in the order of time, then of the bytes of the key', () => {
  const serde = bufferKeySerde(string())
  const keys = [
    { timeMs: undefined, key: 'z' },
    { timeMs: 5, key: 'b' },
    { timeMs: 256, key: 'a' },
    { timeMs: 256, key: 'aa' },
    { timeMs: 2 ** 40, key: 'a' }
  ]
  const bytes = keys.map(key => serde.serialize(key, CONTEXT))
  expect(bytes.toSorted(Buffer.compare)).toEqual(bytes)
  expect(bytes.map(key => serde.deserialize(key, CONTEXT))).toEqual(keys)
})

test.each([
  [{ prior: null, before: { n: 1 }, after: null, timestampMs: 7, headers: [] }],
  [
    {
      prior: 'p',
      before: null,
      after: [1],
      timestampMs: 2 ** 45,
      headers: [
        ['h', Uint8Array.of(1)],
        ['', null]
      ] as const
    }
  ],
  [12]
])('rows are read as they were written (%#)', row => {
  const serde = bufferRowSerde(json<any>())
  expect(serde.deserialize(serde.serialize(row, CONTEXT), CONTEXT)).toEqual(row)
})

test('a row that was cut off is an error', () => {
  const serde = bufferRowSerde(json<any>())
  const bytes = serde.serialize({ prior: null, before: null, after: 'long', timestampMs: 1, headers: [] }, CONTEXT)
  expect(() => serde.deserialize(bytes.subarray(0, -1), CONTEXT)).toThrow(/STATE_CORRUPT/)
})
