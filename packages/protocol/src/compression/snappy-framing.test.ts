import * as snappy from 'snappy'
import { expect, it } from 'vitest'
import { compressXerial, decompressSnappy } from './snappy-framing.ts'

const plain = Buffer.from('some words, many words, words again '.repeat(5000))

it('reads back what it wrote, in several blocks', () => {
  expect(decompressSnappy(snappy, compressXerial(snappy, plain))).toEqual(plain)
  expect(decompressSnappy(snappy, compressXerial(snappy, Buffer.alloc(0)))).toEqual(Buffer.alloc(0))
})

it('reads raw snappy, which other clients write', () => {
  expect(decompressSnappy(snappy, snappy.compressSync(plain))).toEqual(plain)
})

it('refuses a block that is cut off or promises more than it can hold', () => {
  const framed = compressXerial(snappy, plain)
  expect(() => decompressSnappy(snappy, framed.subarray(0, framed.length - 1))).toThrow('does not fit')
  expect(() => decompressSnappy(snappy, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]))).toThrow('promises 4294967295')
})
