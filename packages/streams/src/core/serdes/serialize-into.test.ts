import { expect, test } from 'vitest'
import type { Serde } from '../serde.ts'
import { json } from './json.ts'
import { serializeInto } from './serialize-into.ts'
import { string } from './string.ts'

const CONTEXT = { topic: 't', isKey: false }
const TEXTS = [
  '',
  'a',
  'é',
  'aé',
  '€uro',
  '😀',
  '\ud800',
  'a'.repeat(16),
  'a'.repeat(17),
  `${'a'.repeat(15)}é`,
  'é'.repeat(90)
]

function written<T>(serde: Serde<T>, value: T, buffer: Buffer, at: number): Buffer {
  const end = serializeInto(serde, value, buffer, at, CONTEXT)
  return typeof end === 'number' ? Buffer.from(buffer.subarray(at, end)) : Buffer.from(end)
}

test.each([
  ['string', string()],
  ['json', json<string>()]
] as const)('%s writes into a buffer what it gives as bytes, whatever room there is', (_name, serde) => {
  for (const text of TEXTS) {
    const bytes = Buffer.from(serde.serialize(text, CONTEXT))
    for (const room of [0, 1, 15, 16, 48, 60, 1000]) {
      const buffer = Buffer.alloc(room + 3, '.')
      expect(written(serde, text, buffer, 3)).toEqual(bytes)
      expect(buffer.toString('latin1', 0, 3)).toBe('...')
    }
  }
})

test('takes the bytes of a serde that does not write into buffers', () => {
  const serde: Serde<string> = { name: 'plain', serialize: value => Buffer.from(value), deserialize: String }
  expect(written(serde, 'abc', Buffer.alloc(10), 0)).toEqual(Buffer.from('abc'))
})

test('refuses what is neither an end in the buffer nor bytes', () => {
  const giving = (end: unknown): Serde<string> => ({ ...string(), serializeInto: () => end as number })
  for (const end of [2, 11, Number.NaN, -1]) {
    expect(() => written(giving(end), 'a', Buffer.alloc(10), 3)).toThrow(
      /serializeInto\(\) returned .+ between 3 and 10/
    )
  }
  expect(() => written(giving(new ArrayBuffer(2)), 'a', Buffer.alloc(10), 3)).toThrow(/not a Uint8Array/)
  expect(() => written(string(), 5 as never, Buffer.alloc(10), 3)).toThrow(TypeError)
  expect(() => written(json(), undefined, Buffer.alloc(10), 3)).toThrow(/JSON has no text for a undefined/)
})
