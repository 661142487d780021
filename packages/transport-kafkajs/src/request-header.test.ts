import { expect, test } from 'vitest'
import { encodeRequestHeader } from './request-header.ts'

test.each([
  [false, '0000001200120002000000070004746573740102030405'],
  [true, '000000130012000200000007000474657374000102030405']
])('is written before the body, and holds no memory but its own (flexible: %s)', (flexibleRequest, hex) => {
  const body = Buffer.from([1, 2, 3, 4])
  const request = { apiKey: 18, apiVersion: 2, apiName: 'ApiVersions', body, flexibleRequest }
  const header = encodeRequestHeader({ ...request, flexibleResponse: false, timeoutMs: 1000 }, 7, 'test')
  expect(Buffer.concat([header, body, Buffer.from([5])]).toString('hex')).toBe(hex)
  expect(header.buffer.byteLength).toBe(header.length)
})
