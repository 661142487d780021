import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')

let tmp: string
beforeEach(() => {
  tmp = mkdtempSync(join(tmpdir(), 'millrace-dev-test-'))
})
afterEach(() => rmSync(tmp, { recursive: true, force: true }))

/** Runs `npm run dev` on an application; `onOutput` may end it. */
async function dev(app: string, onOutput: (output: string, stop: () => void) => void = () => {}) {
  const child = spawn(process.execPath, [join(ROOT, 'scripts/dev-cli.ts'), app], {
    cwd: ROOT,
    env: { ...process.env, KAFKA_BROKERS: '', TMPDIR: tmp }
  })
  let output = ''
  let stopped = false
  const stop = (): void => {
    if (!stopped) child.kill('SIGINT')
    stopped = true
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += String(chunk)
      onOutput(output, stop)
    })
  }
  const [code] = (await once(child, 'close')) as [number]
  return { code, output }
}

test('an application that ends by itself gets its sample, and shows what it wrote', async () => {
  const { code, output } = await dev('examples/01-word-count/app.ts')
  expect(output).toContain('counted\n')
  // On a slow machine it gets lines again before it ends.
  expect(output).toMatch(/^words {2}and {2}[4-9]$/m)
  expect(output).toMatch(/^words {2}world's {2}[1-9]$/m)
  expect(code).toBe(0)
  expect(readdirSync(tmp)).toEqual([])
})

test('an application that goes on gets its sample again and again, until Ctrl-C', async () => {
  const { code, output } = await dev('scripts/dev/fixtures/endless/app.ts', (said, stop) => {
    if (said.includes('out  7  TWO')) stop()
  })
  for (const [key, value] of ['ONE', 'TWO', 'ONE', 'TWO', 'ONE', 'TWO', 'ONE', 'TWO'].entries()) {
    expect(output).toContain(`out  ${key}  ${value}\n`)
  }
  expect(code).toBe(130)
  expect(readdirSync(tmp)).toEqual([])
})

test('an application finds a schema registry, gets a sample in Avro, and its values are shown', async () => {
  const { code, output } = await dev('examples/03-avro-orders/app.ts', (said, stop) => {
    if (said.includes('"orders":3')) stop()
  })
  expect(output).toMatch(/^Schema registry: in this process, http:\/\/127\.0\.0\.1:\d+$/m)
  expect(output).toMatch(/^turnover {2}AT {2}\{"orders":[2-9],"cents":\d+,"discountCents":\d+\}$/m)
  expect(code).toBe(130)
  expect(readdirSync(tmp)).toEqual([])
})

test('an application that fails ends all, with what failed', async () => {
  const { code, output } = await dev('scripts/dev/fixtures/failing/app.ts')
  expect(output).toContain('it cannot begin')
  expect(code).toBe(1)
  expect(readdirSync(tmp)).toEqual([])
})
