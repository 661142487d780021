import { expect, it } from 'vitest'
import { readVarint, readVarlong, varintBytes, varintEnd, varlongBytes, writeVarint, writeVarlong } from './varint.ts'

/** Zigzag and base 128, as the format defines it, in arithmetic that cannot overflow. */
function reference(value: number): Buffer {
  const big = BigInt(value)
  let raw = big < 0n ? -2n * big - 1n : 2n * big
  const bytes: number[] = []
  for (; raw > 0x7fn; raw >>= 7n) bytes.push(Number(raw & 0x7fn) | 0x80)
  bytes.push(Number(raw))
  return Buffer.from(bytes)
}

const EDGES = [
  0,
  1,
  -1,
  63,
  64,
  -64,
  -65,
  8191,
  8192,
  2 ** 20,
  2 ** 27 - 1,
  2 ** 27,
  2 ** 28,
  2 ** 30 - 1,
  2 ** 30,
  -(2 ** 30)
]

it.each([...EDGES, 2 ** 31 - 1, -(2 ** 31)])('writes and reads %d as a 32-bit varint', value => {
  const buffer = Buffer.alloc(12)
  const end = writeVarint(buffer, value, 1)
  expect(buffer.subarray(1, end)).toEqual(reference(value))
  expect(varintBytes(value)).toBe(end - 1)
  expect(readVarint(buffer, 1)).toBe(value)
  expect(varintEnd).toBe(end)
})

it.each([...EDGES, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 40 + 12_345, -(2 ** 40) - 1, 2 ** 52 - 1, -(2 ** 52)])(
  'writes and reads %d as a 64-bit varint',
  value => {
    const buffer = Buffer.alloc(12)
    const end = writeVarlong(buffer, value, 1)
    expect(buffer.subarray(1, end)).toEqual(reference(value))
    expect(varlongBytes(value)).toBe(end - 1)
    expect(readVarlong(buffer, 1)).toBe(value)
    expect(varintEnd).toBe(end)
  }
)

it('ends a varint that never ends, beyond every limit', () => {
  readVarint(Buffer.alloc(20, 0xff), 0)
  expect(varintEnd).toBe(Infinity)
  readVarlong(Buffer.alloc(20, 0xff), 0)
  expect(varintEnd).toBe(Infinity)
})
