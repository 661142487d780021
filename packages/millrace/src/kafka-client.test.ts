import { execFile } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
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

test('a process does not end in the middle of what it awaits, although no broker is there', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  const script = `
    import { kafkaClient } from '${join(import.meta.dirname, 'index.ts')}'
    const kafka = kafkaClient({ brokers: ['127.0.0.1:${port}'] })
    kafka.createProducer({ maxBlockMs: 300 }).catch(({ code }) => console.log(code))
  `
  const options = ['--conditions=millrace-source', '--input-type=module', '--eval', script]
  const { stdout } = await promisify(execFile)(process.execPath, options)
  expect(stdout).toBe('CLIENT_REQUEST_TIMED_OUT\n')
})
