import { expect, test } from 'vitest'
import { kafkaClient } from './index.ts'

test.each([
  [{}, 'CONFIG_INVALID', /No broker/],
  [{ brokers: ['localhost'] }, 'CONFIG_INVALID', /host:port/],
  [{ broker: ['localhost:9'] }, 'CONFIG_UNKNOWN_OPTION', /'brokers'/],
  [undefined, 'CONFIG_INVALID', /kafkaClient\(\)/]
])('a connection with the options %o is refused', (options, code, message) => {
  expect(() => kafkaClient(options as never)).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) })
  )
})

test('a connection that nobody uses can be closed', async () => {
  const kafka = kafkaClient({ brokers: ['localhost:9'] })
  await kafka.close()
})
