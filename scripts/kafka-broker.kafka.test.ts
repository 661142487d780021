import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { kafkaAnswers } from './kafka-answers.ts'
import { type Kafka, startKafka } from './kafka-broker.ts'

// These start brokers of their own, whatever KAFKA_BROKERS says: starting and stopping is what they test.

const started: Kafka[] = []
const start = async (port = 0): Promise<Kafka> => {
  const kafka = await startKafka({ port })
  started.push(kafka)
  return kafka
}
afterEach(async () => {
  for (const kafka of started.splice(0)) await kafka.stop()
})

test('a broker answers once started, keeps its port over a restart, and leaves nothing behind', async () => {
  const kafka = await start()
  expect(kafka.brokers).toBe(`127.0.0.1:${kafka.port}`)
  expect(await kafkaAnswers(kafka.port, 1000)).toBe(true)
  const firstPid = kafka.pid

  await kafka.restart()
  expect(kafka.pid).not.toBe(firstPid)
  expect(await kafkaAnswers(kafka.port, 1000)).toBe(true)

  await kafka.stop()
  expect(await kafkaAnswers(kafka.port, 1000)).toBe(false)
  expect(existsSync(kafka.dir)).toBe(false)
})

test('a port on which a broker answers is refused with the port in the message', async () => {
  const { port } = await start()
  await expect(startKafka({ port })).rejects.toThrow(`A Kafka broker answers on port ${port} already.`)
})

test('a port that something else holds is refused, and what it is is not taken for a broker', async () => {
  const other = createServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  if (address === null || typeof address === 'string') throw new Error('No port was given.')
  await expect(startKafka({ port: address.port })).rejects.toThrow(
    `Kafka could not listen on 127.0.0.1:${address.port}: another process does.`
  )
  other.close()
})

test('the broker dies with its starter, even by kill -9', async () => {
  const script = `
    import { startKafka } from ${JSON.stringify(new URL('./kafka-broker.ts', import.meta.url).href)}
    const { port, pid } = await startKafka()
    console.log(JSON.stringify({ port, pid }))
    setInterval(() => {}, 60_000)`
  const starter = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const [line] = (await once(starter.stdout, 'data')) as [Buffer]
  const { port } = JSON.parse(String(line)) as { port: number }
  expect(await kafkaAnswers(port, 1000)).toBe(true)
  starter.kill('SIGKILL')
  await expect.poll(() => kafkaAnswers(port, 1000), { timeout: 10_000 }).toBe(false)
})
