import { expect, test } from 'vitest'
import { asciiOf, utf8Of } from './utf8.ts'

const AROUND = '..'

test('reads texts of every length', () => {
  for (let length = 0; length < 40; length++) {
    const text = Array.from({ length }, (_, i) => String.fromCharCode((length * 31 + i * 17) % 0x80)).join('')
    const bytes = Buffer.from(AROUND + text + AROUND)
    expect(utf8Of(bytes, 2, bytes.length - 2)).toBe(text)
    expect(asciiOf(bytes, 2, bytes.length - 2)).toBe(text)
  }
})

test('reads what is not ASCII, and what is not UTF-8, as Node does', () => {
  for (let length = 1; length < 24; length++) {
    for (let at = 0; at < length; at++) {
      for (const odd of ['é', '€', '😀', Buffer.from([0x80]), Buffer.from([0xff]), Buffer.from([0xe2, 0x82])]) {
        const bytes = Buffer.concat([Buffer.alloc(at, 'a'), Buffer.from(odd as string), Buffer.alloc(length - at, 'b')])
        expect(utf8Of(bytes, 0, bytes.length)).toBe(bytes.toString('utf8'))
      }
    }
  }
})
