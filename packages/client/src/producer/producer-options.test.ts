import zlib from 'node:zlib'
import { expect, test } from 'vitest'
import { resolveProducerOptions } from './producer-options.ts'

function refusalOf(options: unknown): unknown {
  try {
    return resolveProducerOptions(options as never)
  } catch (error) {
    return error
  }
}

test.each([
  [null, 'CONFIG_INVALID', /createProducer\(\) takes an object/],
  [{ compresion: 'lz4' }, 'CONFIG_UNKNOWN_OPTION', /no option 'compresion'. Did you mean 'compression'\?/],
  [{ compression: 'lzo' }, 'CONFIG_INVALID', /'compression' is "lzo"; it must be 'none', 'gzip'/],
  [{ compressionByTopic: { clicks: 'lzo' } }, 'CONFIG_INVALID', /'compressionByTopic.clicks' is "lzo"/],
  [{ compressionByTopic: 'lz4' }, 'CONFIG_INVALID', /'compressionByTopic' is "lz4"; it must be an object/],
  [{ transactionalId: '' }, 'CONFIG_INVALID', /'transactionalId'/],
  [{ lingerMs: 'abc' }, 'CONFIG_INVALID', /'lingerMs' is "abc"; it must be an integer from 0/],
  [{ lingerMs: -1 }, 'CONFIG_INVALID', /'lingerMs' is -1/],
  [{ maxBlockMs: -1 }, 'CONFIG_INVALID', /'maxBlockMs' is -1; it must be an integer of at least 1 \(milliseconds\)/],
  [{ batchBytes: '1000' }, 'CONFIG_INVALID', /'batchBytes' is "1000"/],
  [{ bufferBytes: 0 }, 'CONFIG_INVALID', /'bufferBytes' is 0/],
  [{ onRejected: true }, 'CONFIG_INVALID', /'onRejected' is true; it must be a function/],
  [{ batchBytes: 2000, maxRequestBytes: 1000 }, 'CONFIG_INVALID', /batchBytes is 2000.*maxRequestBytes, 1000/],
  [{ retryBackoffMs: 5000 }, 'CONFIG_INVALID', /retryBackoffMaxMs, is 1000/],
  [{ deliveryTimeoutMs: 1000 }, 'CONFIG_INVALID', /deliveryTimeoutMs is 1000.*lingerMs, 5,.*requestTimeoutMs, 30000/]
])('the options %o are refused', (options, code, message) => {
  expect(refusalOf(options)).toMatchObject({ code, message: expect.stringMatching(message) })
})

test('the delivery time-out has room for one attempt, as far as timers go', () => {
  expect(resolveProducerOptions({})).toMatchObject({ deliveryTimeoutMs: 120_000 })
  expect(resolveProducerOptions({ requestTimeoutMs: 200_000 })).toMatchObject({ deliveryTimeoutMs: 200_005 })
  const longest = { requestTimeoutMs: 2_147_483_647 }
  expect(resolveProducerOptions(longest)).toMatchObject({ deliveryTimeoutMs: 2_147_483_647 })
  expect(resolveProducerOptions({ ...longest, deliveryTimeoutMs: 2_147_483_647 })).toMatchObject(longest)
})

test('a compression that this machine has not is refused before there is anything to compress', () => {
  const { zstdDecompressSync } = zlib
  try {
    Object.assign(zlib, { zstdDecompressSync: undefined })
    const message = /'compressionByTopic.clicks' cannot be 'zstd' here: zstd needs Node.js 22.15 or newer/
    expect(refusalOf({ compressionByTopic: { clicks: 'zstd' } })).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
      cause: expect.objectContaining({ code: 'COMPRESSION_UNSUPPORTED' })
    })
  } finally {
    Object.assign(zlib, { zstdDecompressSync })
  }
  expect(resolveProducerOptions({ compressionByTopic: { clicks: 'zstd' } }).compressionByTopic).toEqual({
    clicks: 'zstd'
  })
})
