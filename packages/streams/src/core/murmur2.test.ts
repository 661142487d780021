import { expect, test } from 'vitest'
import { murmur2, murmur2Partition } from './murmur2.ts'

// The vectors of Kafka's own UtilsTest#testMurmur2.
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107]
])('hashes %s as Java does', (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash)
})

test('chooses partitions from the positive part of the hash', () => {
  expect(murmur2Partition(Buffer.from('21'), 7)).toBe((-973932308 & 0x7fffffff) % 7)
})
