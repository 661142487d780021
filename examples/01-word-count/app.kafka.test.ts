import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { expect, test } from 'vitest'

const brokers = process.env.KAFKA_BROKERS
if (brokers === undefined)
  throw new Error('KAFKA_BROKERS is not set. `npm run test:broker` and `npm run test:kafka` set it.')

const read = (file: string): Promise<string> => readFile(new URL(file, import.meta.url), 'utf8')

/** The block of code that follows a line of the README. */
async function readmeBlock(lineBefore: string): Promise<string> {
  const readme = await read('README.md')
  const start = readme.indexOf(`\n${lineBefore}\n\n\`\`\`\n`)
  if (start < 0) throw new Error(`The README has no block of code after '${lineBefore}'.`)
  return readme.slice(readme.indexOf('```\n', start) + 4).split('```\n')[0] as string
}

test('prints what the README says, and leaves nothing behind', async () => {
  const tryIt = fileURLToPath(new URL('try.ts', import.meta.url))
  const run = promisify(execFile)
  const applicationId = `word-count-test-${randomUUID()}`
  const env = { ...process.env, KAFKA_BROKERS: brokers, APPLICATION_ID: applicationId }
  const { stdout } = await run(process.execPath, [tryIt], { env })
  expect(stdout).toBe(await readmeBlock('Output:'))
  // A deleted topic may be listed for another moment.
  await expect.poll(() => topicsAndGroups(applicationId), { timeout: 20_000 }).toEqual([])
})

test('without KAFKA_BROKERS runs on a broker of its own, and ends', async () => {
  const tryIt = fileURLToPath(new URL('try.ts', import.meta.url))
  const env = { ...process.env, KAFKA_BROKERS: '' }
  const { stdout } = await promisify(execFile)(process.execPath, [tryIt], { env })
  expect(stdout).toBe(await readmeBlock('Output:'))
})

test('the README shows the application and its input as they are', async () => {
  for (const file of ['word-count.ts', 'app.ts']) {
    expect(await read('README.md')).toContain(`\`\`\`ts\n${await read(file)}\`\`\`\n`)
  }
  expect(await readmeBlock('Input:')).toBe(await read('sample.txt'))
})

async function topicsAndGroups(prefix: string): Promise<string[]> {
  const admin = new Kafka({ brokers: (brokers as string).split(','), logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const groups = (await admin.listGroups()).groups.map(({ groupId }) => groupId)
  const names = [...(await admin.listTopics()), ...groups].filter(name => name.startsWith(prefix))
  await admin.disconnect()
  return names
}
