import { expect, test } from 'vitest'
import { AnswerBytes } from './answer-bytes.ts'

test('bytes are let go with the last of their parts', () => {
  const answer = Buffer.allocUnsafeSlow(4096).fill('x')
  const bytes = new AnswerBytes()
  const parts = [answer.subarray(100, 2000), answer.subarray(2000, 2010), answer.subarray(2010, 4096)]
  for (const part of parts) bytes.hold(part)
  bytes.release()
  bytes.release()
  expect(parts.map(({ length }) => length)).toEqual([1900, 10, 2086])
  bytes.release()
  expect(parts.map(({ length }) => length)).toEqual([0, 0, 0])
  expect(answer.length).toBe(0)
})

test('what is short may share its memory with others, and stays', () => {
  const pooled = Buffer.from('short')
  const neighbour = Buffer.from('neighbour')
  const bytes = new AnswerBytes()
  bytes.hold(pooled)
  bytes.release()
  expect([pooled, neighbour].map(String)).toEqual(['short', 'neighbour'])
})
