import { expect, test } from 'vitest'
import { AnswerFrames } from './answer-frames.ts'

function frame(text: string): Buffer {
  const bytes = Buffer.from(text)
  const size = Buffer.alloc(4)
  size.writeInt32BE(bytes.length)
  return Buffer.concat([size, bytes])
}

const ANSWERS = ['0123', 'a short one', 'x'.repeat(5000), 'the last']

test.each([1, 2, 3, 7, 4096, 100_000])('cuts answers out of chunks of %i bytes', chunkBytes => {
  const seen: string[] = []
  const frames = new AnswerFrames(answer => seen.push(answer.toString()))
  const stream = Buffer.concat(ANSWERS.map(frame))
  const received = Buffer.alloc(chunkBytes)
  for (let at = 0; at < stream.length; at += chunkBytes) {
    const bytes = stream.copy(received, 0, at, at + chunkBytes)
    frames.read(received.subarray(0, bytes))
  }
  expect(seen).toEqual(ANSWERS)
})

test('keeps no view of what it was given', () => {
  const seen: Buffer[] = []
  const frames = new AnswerFrames(answer => seen.push(answer))
  const received = frame('as it was')
  frames.read(received)
  received.fill(0)
  expect(seen.map(String)).toEqual(['as it was'])
})

test('answers hold no memory but their own, however short they are', () => {
  const seen: Buffer[] = []
  const frames = new AnswerFrames(answer => seen.push(answer))
  for (const answer of ANSWERS) frames.read(frame(answer))
  expect(seen.map(({ buffer }) => buffer.byteLength)).toEqual(ANSWERS.map(({ length }) => length))
})

test.each([
  ['HTTP', 'HTTP/1.1 400 Bad Request'],
  ['a TLS alert', '\x15\x03\x03\x00\x02\x02\x46'],
  ['an impossible length', '\x00\x00\x00\x03abc'],
  ['a negative length', '\xff\xff\xff\xff']
])('refuses %s', (_what, bytes) => {
  const frames = new AnswerFrames(() => undefined)
  expect(() => frames.read(Buffer.from(bytes, 'latin1'))).toThrow(/announced an answer of -?\d+ bytes/)
})
