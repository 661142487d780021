import { expect, test } from 'vitest'
import type { Serde } from '../serde.ts'
import { bytes } from './bytes.ts'
import { float64 } from './float64.ts'
import { int32 } from './int32.ts'
import { int64 } from './int64.ts'
import { json } from './json.ts'
import { sessionKey } from './session-key.ts'
import { string } from './string.ts'
import { uuid } from './uuid.ts'
import { windowedKey } from './windowed-key.ts'

const CONTEXT = { topic: 't', isKey: false }

/** As Java's serializers of the same types write them. */
const LAYOUTS: [name: string, serde: Serde<any>, value: unknown, hex: string][] = [
  ['string', string(), 'aé€😀', '61c3a9e282acf09f9880'],
  ['string', string(), '', ''],
  ['int32', int32(), 1, '00000001'],
  ['int32', int32(), -2, 'fffffffe'],
  ['int32', int32(), -2147483648, '80000000'],
  ['int64', int64(), 1, '0000000000000001'],
  ['int64', int64(), -1, 'ffffffffffffffff'],
  ['int64', int64(), 2 ** 32 + 5, '0000000100000005'],
  ['int64', int64(), -(2 ** 32) - 5, 'fffffffefffffffb'],
  ['int64', int64(), Number.MAX_SAFE_INTEGER, '001fffffffffffff'],
  ['int64', int64(), Number.MIN_SAFE_INTEGER, 'ffe0000000000001'],
  ['float64', float64(), 1.5, '3ff8000000000000'],
  ['float64', float64(), -0, '8000000000000000'],
  ['float64', float64(), Number.POSITIVE_INFINITY, '7ff0000000000000'],
  ['bytes', bytes(), Uint8Array.of(0, 255), '00ff'],
  [
    'uuid',
    uuid(),
    '123e4567-e89b-12d3-a456-426614174000',
    Buffer.from('123e4567-e89b-12d3-a456-426614174000').toString('hex')
  ],
  ['json', json(), { a: [1, null, 'é'] }, Buffer.from('{"a":[1,null,"é"]}').toString('hex')],
  // In Kafka Streams' SessionKeySchema the end comes first.
  ['session key', sessionKey(string()), { key: 'k', startMs: 256, endMs: 511 }, '6b00000000000001ff0000000000000100'],
  ['windowed key', windowedKey(string(), { sizeMs: 10 }), { key: 'k', startMs: 256, endMs: 266 }, '6b0000000000000100']
]

test.each(LAYOUTS)('%s has the layout of Java (%#)', (_name, serde, value, hex) => {
  const written = serde.serialize(value, CONTEXT)
  expect(Buffer.from(written).toString('hex')).toBe(hex)
  expect(serde.deserialize(written, CONTEXT)).toEqual(value)
})

test.each(LAYOUTS)('%s reads a part of a larger buffer the same way (%#)', (_name, serde, value, hex) => {
  const part = Buffer.from(hex, 'hex')
  const buffer = Buffer.concat([Buffer.from([1, 2, 3]), part, Buffer.from([4])])
  expect(serde.deserializeRange?.(buffer, 3, 3 + part.length, CONTEXT)).toEqual(value)
})

test.each([
  ['int32', int32(), 4],
  ['int64', int64(), 8],
  ['float64', float64(), 8]
] as const)('%s refuses bytes of another length', (name, serde, width) => {
  for (const length of [0, width - 1, width + 1]) {
    expect(() => serde.deserialize(Buffer.alloc(length), CONTEXT)).toThrow(`${length} bytes cannot be read as ${name}`)
  }
})

test('integers outside their range are errors, never rounded', () => {
  for (const value of [2 ** 31, 1.5, Number.NaN]) {
    expect(() => int32().serialize(value, CONTEXT)).toThrow(/not an integer of 32 bits/)
  }
  for (const value of [2 ** 53, 1.5, Number.NaN]) {
    expect(() => int64().serialize(value, CONTEXT)).toThrow(/not an integer within 2\^53/)
  }
  const tooLarge = Buffer.from('0020000000000001', 'hex')
  expect(() => int64().deserialize(tooLarge, CONTEXT)).toThrow(/beyond 2\^53/)
})

test('bytes are copied, since the buffer that they are read from is used again', () => {
  const buffer = Buffer.from([1, 2])
  const read = bytes().deserialize(buffer, CONTEXT)
  buffer[0] = 9
  expect(read).toEqual(Uint8Array.of(1, 2))
  expect(read.buffer.byteLength).toBe(2)
})

test('a UUID is checked, and lower case', () => {
  expect(Buffer.from(uuid().serialize('123E4567-E89B-12D3-A456-426614174000', CONTEXT)).toString()).toMatch(/^123e4567/)
  expect(() => uuid().serialize('nonsense', CONTEXT)).toThrow(/'nonsense' is not a UUID/)
  expect(() => uuid().deserialize(Buffer.alloc(16), CONTEXT)).toThrow(/16 bytes are not the text of a UUID/)
})

test('a windowed key without a size reads an end beyond all time', () => {
  const serde = windowedKey(string())
  const written = serde.serialize({ key: 'k', startMs: 5, endMs: 15 }, CONTEXT)
  expect(serde.deserialize(written, CONTEXT)).toEqual({ key: 'k', startMs: 5, endMs: Number.MAX_SAFE_INTEGER })
})

test('a windowed key needs its 8 bytes, and no negative size', () => {
  expect(() => windowedKey(string()).deserialize(Buffer.alloc(7), CONTEXT)).toThrow(/7 bytes are too few/)
  expect(() => windowedKey(string(), { sizeMs: -1 })).toThrow(/sizeMs of 0 or more/)
})

test('the key of a session needs its 16 bytes', () => {
  expect(() => sessionKey(string()).deserialize(Buffer.alloc(15), CONTEXT)).toThrow(/15 bytes are too few/)
})
