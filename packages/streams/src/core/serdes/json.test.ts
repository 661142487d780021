import { describe, expect, test } from 'vitest'
import { json } from './json.ts'
import type { StandardSchema } from './standard-schema.ts'

const CONTEXT = { topic: 't', isKey: false }
const read = (serde: ReturnType<typeof json>, text: string) => serde.deserialize(Buffer.from(text), CONTEXT)

/** What a schema library provides. */
function schema<T>(validate: StandardSchema<T>['~standard']['validate']): StandardSchema<T> {
  return { '~standard': { version: 1, vendor: 'tiny', validate } }
}

test('keeps the parser error as the cause', () => {
  for (const text of ['', '{', '{"a":']) {
    expect(() => read(json(), text)).toThrow(
      expect.objectContaining({ code: 'RECORD_DESERIALIZE_FAILED', cause: expect.any(SyntaxError) })
    )
  }
})

test('refuses to write what JSON cannot hold', () => {
  const circular: { self?: unknown } = {}
  circular.self = circular
  expect(() => json().serialize(circular, CONTEXT)).toThrow(
    expect.objectContaining({ code: 'RECORD_SERIALIZE_FAILED' })
  )
  expect(() => json().serialize(1n, CONTEXT)).toThrow(/cannot be written as JSON/)
  expect(() => json().serialize(undefined, CONTEXT)).toThrow(/no text for a undefined/)
})

test('uses the output of the schema', () => {
  const upper = schema<string>(value => ({ value: String(value).toUpperCase() }))
  expect(read(json(upper), '"abc"')).toBe('ABC')
})

test('tells the path and the message of what the schema rejects', () => {
  const strict = schema<never>(() => ({ issues: [{ message: 'expected a number', path: ['page', { key: 'ms' }] }] }))
  expect(() => read(json(strict), '{}')).toThrow(/does not fit its tiny schema: page\.ms: expected a number/)
})

test('does not ask the schema about null, which is no value', () => {
  const strict = schema<never>(() => ({ issues: [{ message: 'no' }] }))
  expect(read(json(strict), 'null')).toBeNull()
})

test('refuses a schema that validates asynchronously, saying so', () => {
  const slow = schema<string>(async value => ({ value: String(value) }))
  expect(() => read(json(slow), '"a"')).toThrow(/tiny schema given to json\(\) validates asynchronously/)
})

test('refuses what is no schema', () => {
  expect(() => json({} as never)).toThrow(/has no '~standard' property/)
  expect(() => json({ readonly: false } as never)).toThrow(/takes a Standard Schema or { readonly: true }/)
  expect(() => json({ readonly: true, lazy: true } as never)).toThrow(/was given {"readonly":true,"lazy":true}/)
})

describe('read only', () => {
  const serde = json<{ a: number; b?: number[] }>({ readonly: true })
  const source = Buffer.from('..{ "b": [1], "a": 1.0 }..')
  const written = (value: unknown) => Buffer.from(serde.serialize(value as { a: number }, CONTEXT)).toString()

  test('what was read last is written as it was read, in bytes of its own', () => {
    const value = serde.deserializeRange?.(source, 2, source.length - 2, CONTEXT)
    const bytes = serde.serialize(value as { a: number }, CONTEXT)
    source.fill(0)
    expect(Buffer.from(bytes).toString()).toBe('{ "b": [1], "a": 1.0 }')
    expect(value).toEqual({ b: [1], a: 1 })
  })

  test('what was read is known after its bytes were freed or overwritten', () => {
    const page = Buffer.from('{ "a": 1.0 }')
    const value = serde.deserializeRange?.(page, 0, page.length, CONTEXT)
    page.fill(0)
    expect(written(value)).toBe('{ "a": 1.0 }')
    const own = Buffer.allocUnsafeSlow(12)
    own.write('{ "a": 2.0 }')
    const another = serde.deserializeRange?.(own, 0, own.length, CONTEXT)
    ;(own.buffer as ArrayBuffer).transfer(0)
    expect(written(another)).toBe('{ "a": 2.0 }')
    expect(written(read(serde, '{"a":3}'))).toBe('{"a":3}')
  })

  test('anything else is turned into text: a part of it, one that is equal, one that was read before', () => {
    const before = read(serde, '{ "a": 1 }')
    const value = read(serde, '{ "b": [ 1 ], "a": 2 }') as { b: number[] }
    expect(written(before)).toBe('{"a":1}')
    expect(written(value.b)).toBe('[1]')
    expect(written({ ...value })).toBe('{"b":[1],"a":2}')
    expect(written(value)).toBe('{ "b": [ 1 ], "a": 2 }')
  })

  test('primitives are turned into text', () => {
    read(serde, '1.0')
    expect(written(1)).toBe('1')
  })

  test('what cannot be read leaves nothing behind', () => {
    const value = read(serde, '{ "a": 1 }')
    expect(() => read(serde, '{')).toThrow(/not JSON/)
    expect(written(value)).toBe('{ "a": 1 }')
  })

  test('other values of json() are never taken for it', () => {
    const value = read(json(), '{ "a": 1 }')
    expect(written(value)).toBe('{"a":1}')
    expect(Buffer.from(json().serialize(read(serde, '{ "a": 1 }'), CONTEXT)).toString()).toBe('{"a":1}')
  })
})
