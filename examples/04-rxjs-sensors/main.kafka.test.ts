import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))

test.each(['a Kafka that is named', 'a broker of its own'])('prints what the README says, on %s', async kind => {
  const env = kind === 'a broker of its own' ? { ...process.env, KAFKA_BROKERS: '' } : process.env
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN], { env })
  const readme = await readFile(new URL('README.md', import.meta.url), 'utf8')
  const [, output] = /\nOutput:\n\n```\n([\s\S]*?)```\n/.exec(readme) ?? []
  expect(stdout).toBe(output)
})
