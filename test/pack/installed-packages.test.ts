import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PackedPackage, packAll } from '../../scripts/pack.ts'
import { type Installation, install } from './installation.ts'
import { createWordCountTopics } from './word-count-topics.ts'

// What users get: the packed packages, installed with plain npm outside the workspace, on the oldest Node that they
// promise to run on and on the current one.

const NODE_VERSIONS = ['22.12.0', '24']
const VITEST_ENTRIES = ['@millrace/testing/contracts', '@millrace/testing/vitest']

const brokers = process.env.KAFKA_BROKERS
if (brokers === undefined) throw new Error('KAFKA_BROKERS is not set. `npm run test:pack` sets it, or starts a broker.')

let packed: PackedPackage[]
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-pack-'))
  packed = await packAll(join(folder, 'tarballs'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe.each(NODE_VERSIONS)('on Node %s', version => {
  let installed: Installation

  beforeAll(async () => {
    installed = await install(
      join(folder, `node-${version}`),
      version,
      packed.map(({ tarball }) => tarball)
    )
  })

  test('the project runs the Node that is meant', async () => {
    expect(await installed.run('node', ['--version'])).toMatch(new RegExp(`^v${version.replaceAll('.', '\\.')}`))
  })

  test('every entry point can be imported', async () => {
    const entries = packed.flatMap(({ manifest: { name, exports } }) =>
      // The contract suites and matchers of testing need vitest, which their user brings.
      Object.keys(exports)
        .map(entry => `${name}${entry.slice(1)}`)
        .filter(entry => !VITEST_ENTRIES.includes(entry))
    )
    expect(entries).toContain('millrace')
    expect(entries.length).toBeGreaterThanOrEqual(packed.length)
    const script = `for (const entry of ${JSON.stringify(entries)}) if (Object.keys(await import(entry)).length === 0) console.log(entry)`
    expect(await installed.run('node', ['--input-type=module', '--eval', script])).toBe('')
  })

  test('npx millrace --help tells how to run an application', async () => {
    expect(await installed.run('npx', ['millrace', '--help'])).toContain('millrace run FILE')
  })

  test('a TypeScript project compiles against the packages', async () => {
    await installed.run('tsc', ['--project', '.'])
  })

  test('a sink whose serde does not fit does not compile', async () => {
    const wrong = join(installed.dir, 'wrong.ts')
    await copyFile(join(installed.dir, 'wrong.ts.txt'), wrong)
    try {
      await expect(installed.run('tsc', ['--project', '.'])).rejects.toThrow(/wrong\.ts\(\d+,\d+\): error TS/)
    } finally {
      await rm(wrong)
    }
  })

  test('the word count of the examples runs on real Kafka', async () => {
    const topics = await createWordCountTopics(brokers)
    try {
      await topics.produce(['The quick brown fox', 'jumps over the lazy dog', 'the end'])
      const env = { ...topics.env, STATE_DIR: join(installed.dir, 'state') }
      expect(await installed.run('npx', ['millrace', 'run', 'app.ts'], env)).toContain('counted')
      expect(await topics.counts(11)).toEqual({
        ...{ the: 3, quick: 1, brown: 1, fox: 1, jumps: 1, over: 1 },
        ...{ lazy: 1, dog: 1, end: 1 }
      })
    } finally {
      await topics.remove()
    }
  })
})
