import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('prints what the README says', async () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [main])
  const readme = await readFile(new URL('README.md', import.meta.url), 'utf8')
  const [, output] = /\nOutput:\n\n```\n([\s\S]*?)```\n/.exec(readme) ?? []
  expect(stdout.trim()).toBe(output?.trim())
})
