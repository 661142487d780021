import { expect, test } from 'vitest'
import type { Serde } from '../serde.ts'
import { changeSerde } from './change.ts'
import { deserializeRange } from './deserialize-range.ts'
import { sessionKey } from './session-key.ts'
import { windowedKey } from './windowed-key.ts'

const CONTEXT = { topic: 't', isKey: false }
/** As anybody would write it who has raw bytes. */
const raw: Serde<Uint8Array> = { name: 'raw', serialize: value => value, deserialize: bytes => bytes }

test('a serde that returns the bytes it is given is given its own', () => {
  const page = Buffer.from('..key..')
  const read = deserializeRange(raw, page, 2, 5, CONTEXT)
  page.fill(0)
  expect(Buffer.from(read).toString()).toBe('key')
})

test('within another serde as well', () => {
  for (const serde of [windowedKey(raw), sessionKey(raw)]) {
    const page = Buffer.from(serde.serialize({ key: Buffer.from('key'), startMs: 1, endMs: 2 }, CONTEXT))
    const { key } = deserializeRange(serde, page, 0, page.length, CONTEXT)
    page.fill(0)
    expect(Buffer.from(key).toString()).toBe('key')
  }
  const change = changeSerde(raw)
  const page = Buffer.from(
    change.serialize({ before: Buffer.from('old'), after: Buffer.from('new'), isLatest: true }, CONTEXT)
  )
  const { before, after } = deserializeRange(change, page, 0, page.length, CONTEXT)
  page.fill(0)
  expect([before, after].map(bytes => Buffer.from(bytes as Uint8Array).toString())).toEqual(['old', 'new'])
})
