import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { CapturedIo } from './fixtures/captured-io.ts'
import { main } from './main.ts'

const application = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}.ts`, import.meta.url))
const BIN = fileURLToPath(new URL('../../millrace/bin/millrace.js', import.meta.url))

const folders: string[] = []
function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
  folders.push(folder)
  return join(folder, 'file')
}
afterEach(() => folders.splice(0).forEach(folder => rmSync(folder, { recursive: true })))

/** A test that fails must not leave workers behind: the first signal asks them to close, the second kills them. */
function runUntilTestEnds(argv: readonly string[], io: CapturedIo): Promise<number> {
  onTestFinished(() => {
    io.send('SIGTERM')
    io.send('SIGTERM')
  })
  return main(argv, io)
}

test('prints its help and its version', async () => {
  const io = new CapturedIo()
  expect(await main(['--help'], io)).toBe(0)
  expect(io.text).toContain('millrace run FILE')
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  const versionIo = new CapturedIo()
  expect(await main(['--version'], versionIo)).toBe(0)
  expect(versionIo.text).toBe(`${manifest.version}\n`)
})

test('answers a wrong command line with 2 and says what to write instead', async () => {
  const io = new CapturedIo()
  expect(await main(['run', 'app.ts', '--wokers', '2'], io)).toBe(2)
  expect(io.text).toContain('Did you mean --workers?')
})

test('says which file is missing, and from where', async () => {
  const io = new CapturedIo()
  expect(await main(['run', 'no-such-app.ts'], io)).toBe(2)
  expect(io.text).toBe(`There is no file 'no-such-app.ts' to run, seen from ${process.cwd()}.\n`)
})

test('bounds what a worker takes of memory, unless the environment does', async () => {
  const io = new CapturedIo()
  expect(await main(['run', application('says-its-flags'), '--workers', '2'], io)).toBe(0)
  expect(io.text).toContain('[0] flags --max-semi-space-size=16\n[0] arenas 2\n')
  const chosen = new CapturedIo({
    ...process.env,
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --max-semi-space-size=32`,
    MALLOC_ARENA_MAX: '7'
  })
  expect(await main(['run', application('says-its-flags'), '--workers', '2'], chosen)).toBe(0)
  expect(chosen.text).toContain('[0] flags \n[0] arenas 7\n')
})

test('runs a TypeScript application in numbered workers and passes its arguments on', async () => {
  const io = new CapturedIo()
  expect(await main(['run', application('says-its-number'), '--workers', '3', '--', '--topic', 'clicks'], io)).toBe(0)
  expect(io.text.trim().split('\n').sort()).toEqual(
    [0, 1, 2].map(index => `[${index}] worker ${index} of 3, arguments --topic clicks`)
  )
  expect(io.waits).toEqual([])
})

test('asks every worker to close on a signal and ends with 0 when they did', async () => {
  const io = new CapturedIo()
  const ended = runUntilTestEnds(['run', application('waits-for-sigterm'), '--workers', '2'], io)
  await io.until('ready', 2)
  io.send('SIGINT')
  expect(await ended).toBe(0)
  expect(io.text).toContain('[0] closing')
  expect(io.text).toContain('[1] closing')
  expect(io.text).not.toContain('SIGINT')
  expect(io.listenerCount('SIGINT')).toBe(0)
})

test('kills a worker that does not close at the second signal', async () => {
  const io = new CapturedIo()
  const ended = runUntilTestEnds(['run', application('ignores-sigterm'), '--workers', '2'], io)
  await io.until('ready', 2)
  io.send('SIGTERM')
  await io.until('not now', 2)
  io.send('SIGTERM')
  expect(await ended).toBe(128 + 9)
  expect(io.waits).toEqual([])
})

test('starts a killed worker again', async () => {
  const io = new CapturedIo()
  const marker = temporaryFile()
  expect(await runUntilTestEnds(['run', application('crashes-once'), '--workers', '2', '--', marker], io)).toBe(0)
  expect(io.text).toContain('ended with 137. It starts again in 1000 ms.')
  expect(io.text).toContain('second life')
})

test('waits longer before each restart, then gives up, stops the others and ends with 1', async () => {
  const io = new CapturedIo()
  const starts = temporaryFile()
  const options = ['--workers', '2', '--max-restarts', '3', '--restart-delay-ms', '5', '--', starts]
  expect(await runUntilTestEnds(['run', application('crashes'), ...options], io)).toBe(1)
  expect(io.waits).toEqual([5, 10, 20])
  expect(readFileSync(starts, 'utf8').replaceAll('0', '')).toBe('1111')
  expect(io.text).toContain('Worker 1 ended with 7 after 3 restarts in a row. Stopping.')
})

test('the installed command hands SIGTERM on and exits with 0', async () => {
  const command = spawn(process.execPath, [BIN, 'run', application('waits-for-sigterm'), '-w', '1'], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  onTestFinished(() => {
    command.kill('SIGTERM')
    command.kill('SIGTERM')
  })
  let text = ''
  command.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  while (!text.includes('ready')) await once(command.stdout, 'data')
  command.kill('SIGTERM')
  expect(await once(command, 'close')).toEqual([0, null])
  expect(text).toBe('ready\nclosing\n')
})

test('runs a broker that says where it listens, until a signal, and leaves its data for the next one', async () => {
  const data = join(temporaryFile(), 'data')
  for (const run of [1, 2]) {
    const io = new CapturedIo()
    const ended = runUntilTestEnds(['broker', '--port', '0', '--data', data], io)
    await io.until('Kafka clients connect to')
    const [, port] = /127\.0\.0\.1:(\d+); data is kept in /.exec(io.text) as unknown as [string, string]
    const admin = new Kafka({ brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    if (run === 1) await admin.createTopics({ topics: [{ topic: 'kept' }] })
    expect(await admin.listTopics()).toEqual(['kept'])
    await admin.disconnect()
    io.send('SIGTERM')
    expect(await ended).toBe(0)
    expect(io.listenerCount('SIGTERM')).toBe(0)
  }
})

test('says why a broker does not start', async () => {
  const data = join(temporaryFile(), 'data')
  const io = new CapturedIo()
  const ended = runUntilTestEnds(['broker', '--port', '0', '--data', data], io)
  await io.until('Kafka clients connect to')
  const second = new CapturedIo()
  expect(await main(['broker', '--port', '0', '--data', data], second)).toBe(1)
  expect(second.text).toMatch(/is in use by the broker of process \d+.*BROKER_DATA_LOCKED/)
  io.send('SIGINT')
  expect(await ended).toBe(0)
})
