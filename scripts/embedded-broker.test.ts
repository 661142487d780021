import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, expect, test } from 'vitest'
import { startEmbeddedBroker } from './embedded-broker.ts'
import { kafkaAnswers } from './kafka-answers.ts'
import type { RunningBroker } from './running-broker.ts'

const started: RunningBroker[] = []
const start = async (port = 0): Promise<RunningBroker> => {
  const broker = await startEmbeddedBroker({ port })
  started.push(broker)
  return broker
}
afterEach(async () => {
  for (const broker of started.splice(0)) await broker.stop()
})

/** Creates a topic, and tells which there are. */
async function topicsWith(brokers: string, topic: string): Promise<string[]> {
  const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    await admin.createTopics({ topics: [{ topic }] })
    return (await admin.listTopics()).sort()
  } finally {
    await admin.disconnect()
  }
}

test('a broker answers once started, keeps port and data over restarts, and leaves nothing behind', async () => {
  const broker = await start()
  expect(broker.brokers).toBe(`127.0.0.1:${broker.port}`)
  expect(await topicsWith(broker.brokers, 'a')).toEqual(['a'])
  const pids = [broker.pid]
  for (const [signal, topic] of [
    ['SIGTERM', 'b'],
    ['SIGKILL', 'c']
  ] as const) {
    await broker.restart(signal)
    pids.push(broker.pid)
    expect(await topicsWith(broker.brokers, topic)).toEqual(['a', 'b', 'c'].slice(0, pids.length))
  }
  expect(new Set(pids).size).toBe(3)

  await broker.stop()
  expect(await kafkaAnswers(broker.port, 1000)).toBe(false)
  expect(existsSync(broker.dir)).toBe(false)
})

test('a port that something else holds is refused', async () => {
  const other = createServer()
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  await expect(startEmbeddedBroker({ port })).rejects.toThrow(`cannot listen on 127.0.0.1:${port}`)
  other.close()
})

test('the broker dies with its starter, even by kill -9, and takes its folder along', async () => {
  const script = `
    import { startEmbeddedBroker } from ${JSON.stringify(new URL('./embedded-broker.ts', import.meta.url).href)}
    const { port, dir } = await startEmbeddedBroker()
    console.log(JSON.stringify({ port, dir }))`
  const starter = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const [line] = (await once(starter.stdout, 'data')) as [Buffer]
  const { port, dir } = JSON.parse(String(line)) as { port: number; dir: string }
  expect(await kafkaAnswers(port, 1000)).toBe(true)
  starter.kill('SIGKILL')
  await expect.poll(() => kafkaAnswers(port, 1000), { timeout: 10_000 }).toBe(false)
  await expect.poll(() => existsSync(dir), { timeout: 10_000 }).toBe(false)
})
