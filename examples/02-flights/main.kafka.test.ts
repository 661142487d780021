import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { expectNothingLeft, topicsAndGroups } from './test-support/topics-and-groups.ts'

const brokers = process.env.KAFKA_BROKERS
if (brokers === undefined)
  throw new Error('KAFKA_BROKERS is not set. `npm run test:broker` and `npm run test:kafka` set it.')

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))

/** The example as a process without a terminal. */
class Run {
  output = ''
  readonly #process: ChildProcess
  readonly #closed: Promise<unknown[]>
  #onOutput: () => void = () => {}

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const options = { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] as const }
    this.#process = spawn(process.execPath, [MAIN, ...args], options as object)
    this.#closed = once(this.#process, 'close')
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString()
        this.#onOutput()
      })
    }
  }

  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output)
      if (match !== null) return match
      const ended = await Promise.race([
        this.#closed.then(() => true),
        new Promise<boolean>(resolve => {
          this.#onOutput = () => resolve(false)
        })
      ])
      if (ended && !pattern.test(this.output)) throw new Error(`It ended without saying ${pattern}:\n${this.output}`)
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  async exitCode(): Promise<number> {
    const [code] = await this.#closed
    return code as number
  }
}

/** The lines of the README's output; between two of them, `…` stands for any others. */
async function readmeOutput(): Promise<string[][]> {
  const readme = await readFile(new URL('README.md', import.meta.url), 'utf8')
  const block = / Without one, it prints each window[^`]*```\n([\s\S]*?)```/.exec(readme)?.[1]
  if (block === undefined) throw new Error('The README does not show what is printed.')
  return block.split('\n…\n').map(part => part.split('\n').filter(line => line !== ''))
}

describe('the flights example', () => {
  test('prints what the README says, names every window, and exits with 0', async () => {
    const run = new Run(['--seed', '42'])
    expect(await run.exitCode(), run.output).toBe(0)
    const lines = run.output.split('\n').filter(line => line !== '')
    let from = 0
    for (const part of await readmeOutput()) {
      const at = lines.indexOf(part[0] as string, from)
      expect(lines.slice(at, at + part.length)).toEqual(part)
      from = at + part.length
    }
    const windows = new Set(lines.map(line => /^\d{4}-\d\d-\d\d … \d{4}-\d\d-\d\d(?= {2})/.exec(line)?.[0]))
    windows.delete(undefined)
    expect(windows.size).toBe(96)
    await expectNothingLeft(/millrace-flights-\w+/.exec(run.output)?.[0] as string)
  })

  test('keeps its topics when told to', async () => {
    const run = new Run(['--keep'])
    expect(await run.exitCode(), run.output).toBe(0)
    const prefix = /begin with (\S+)-\n/.exec(run.output)?.[1] as string
    const kept = await topicsAndGroups(prefix)
    expect(kept).toEqual(expect.arrayContaining([`${prefix}-flights`, `${prefix}-weekly-delays`]))
    const { Kafka, logLevel } = await import('kafkajs')
    const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const groups = kept.filter(name => name === prefix || name.endsWith('-reader'))
    await admin.deleteTopics({ topics: kept.filter(name => !groups.includes(name)) })
    await admin.deleteGroups(groups)
    await admin.disconnect()
  })

  test('deletes its topics and exits with 130 on Ctrl-C', async () => {
    const run = new Run([])
    const [prefix] = await run.says(/millrace-flights-\w+/)
    await run.says(/Counting/)
    run.kill('SIGINT')
    expect(await run.exitCode(), run.output).toBe(130)
    expect(run.output).toContain('SIGINT: stopping')
    await expectNothingLeft(prefix)
  })

  test('stops the broker that it started, and exits with 143, on SIGTERM', async () => {
    const run = new Run([], { KAFKA_BROKERS: '' })
    const [, port] = await run.says(/embedded broker, 127\.0\.0\.1:(\d+), for this run only/)
    run.kill('SIGTERM')
    expect(await run.exitCode(), run.output).toBe(143)
    const socket = connect(Number(port), '127.0.0.1')
    await expect(once(socket, 'connect')).rejects.toThrow('ECONNREFUSED')
  })

  test('says that no broker answers, and exits with 1', async () => {
    const run = new Run(['--brokers', '127.0.0.1:1'])
    expect(await run.exitCode()).toBe(1)
    expect(run.output).toContain('No Kafka broker answers at 127.0.0.1:1.')
  })
})
