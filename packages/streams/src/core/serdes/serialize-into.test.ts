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
    for (let room = 0; room < 300; room++) {
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

test.each([
  ['string', string()],
  ['json', json<string>()]
] as const)('%s writes into the buffer where there is room, and nowhere else', (_name, serde) => {
  expect(serializeInto(serde, 'abc', Buffer.alloc(100), 3, CONTEXT)).toBeTypeOf('number')
  expect(serializeInto(serde, 'a'.repeat(98), Buffer.alloc(100), 3, CONTEXT)).toHaveLength(
    serde.serialize('a'.repeat(98), CONTEXT).length
  )
})

test('asks for the bytes where a text was cut off for want of room', () => {
  const careless: Serde<string> = {
    ...string(),
    serializeInto: (value, buffer, at) => at + buffer.write(value, at)
  }
  for (const character of ['a', 'é', '€', '😀']) {
    for (let room = 0; room < 40; room++) {
      const text = character.repeat(10)
      expect(written(careless, text, Buffer.alloc(3 + room), 3).toString()).toBe(text)
    }
  }
})

test('refuses what is neither an end in the buffer nor bytes of their own', () => {
  const giving = (end: unknown): Serde<string> => ({ ...string(), serializeInto: () => end as number })
  for (const end of [2, 3.5, 11, Number.NaN, -1]) {
    expect(() => written(giving(end), 'a', Buffer.alloc(10), 3)).toThrow(
      /serializeInto\(\) returned .+ no place from 3 to 10/
    )
  }
  const buffer = Buffer.alloc(10)
  expect(() => written(giving(buffer.subarray(3, 4)), 'a', buffer, 3)).toThrow(/returned a part of the buffer/)
  expect(() => written(giving(new ArrayBuffer(2)), 'a', buffer, 3)).toThrow(/returned \[object ArrayBuffer\]/)
  expect(() => written(giving(undefined), 'a', buffer, 3)).toThrow(/serializeInto\(\) returned \[object Undefined\]/)
  expect(() => written(string(), 5 as never, Buffer.alloc(10), 3)).toThrow(TypeError)
  expect(() => written(json(), undefined, Buffer.alloc(10), 3)).toThrow(/JSON has no text for a undefined/)
})

test('a serde made of string() or json() has its own methods only', () => {
  const loud: Serde<string> = { ...string(), serialize: value => Buffer.from(value.toUpperCase()) }
  expect(written(loud, 'abc', Buffer.alloc(10), 0).toString()).toBe('ABC')
  const quiet: Serde<string> = { ...string(), deserialize: bytes => Buffer.from(bytes).toString().toLowerCase() }
  expect(quiet.deserializeRange).toBeUndefined()
  const own = { ...json<string>({ readonly: true }) }
  expect(own).not.toHaveProperty('keepsBytes')
  expect(own.deserialize(own.serialize('a', CONTEXT), CONTEXT)).toBe('a')
})
