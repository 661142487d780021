import { expect, test } from 'vitest'
import { murmur3 } from './murmur3.ts'

// What Kafka Streams 4.3.0 answers.
test.each([
  ['', '9d2764a018e329428c3cf3b035938518'],
  ['a', '3361634e7e0f5188e9c7dda24eae326b'],
  ['hello', '30bfb4f39919e764566aea857401d1c6'],
  ['0123456789abcdef', '1a6e941ec6a76967d7d82808f505d6b1'],
  ['The quick brown fox jumps over the lazy dog', 'e74c5921af0f99c8b7f85ec81df06726'],
  ['{"n":1,"g":"é"}', '85966b4cfda5ed455337a9c5b910e7cf']
])('hashes %j as Kafka Streams does', (text, hash) => {
  expect(Buffer.from(murmur3(Buffer.from(text))).toString('hex')).toBe(hash)
})
