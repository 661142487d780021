import { expect, test } from 'vitest'
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

test('promises of values that are read only, and of no others, that their bytes may be written again', () => {
  expect(json({ readonly: true }).keepsBytes).toBe(true)
  expect(json().keepsBytes).toBe(false)
  // One for all, so that what one source reads another sink recognises.
  expect(json({ readonly: true })).toBe(json({ readonly: true }))
})
