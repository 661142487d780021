import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { OracleProgram } from './oracle-program.ts'
import { type OpenCase, randomCase } from './random-case.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-oracle-test-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

/** Stands in for Kafka Streams: fills in an empty expectation, and fails where a title is `bad`. */
async function writeProgram(): Promise<void> {
  const source = `#!${process.execPath}
const { readFileSync, writeFileSync } = require('node:fs')
const [from, to] = process.argv.slice(2)
const cases = JSON.parse(readFileSync(from, 'utf8'))
if (cases.some(({ title }) => title === 'bad')) {
  process.stderr.write('  at a line\\nIllegalStateException: not that one\\n')
  process.exit(1)
}
writeFileSync(to, JSON.stringify(cases.map(one => ({ ...one, expect: { outputs: [] } }))))
`
  await writeFile(join(dir, 'run'), source)
  await chmod(join(dir, 'run'), 0o755)
}

test('tells what is needed when no program is named, or none is there', () => {
  expect(() => new OracleProgram(undefined)).toThrow(/--oracle DIR or MILLRACE_ORACLE.*Kafka Streams 4\.3.*Java 17/s)
  expect(() => new OracleProgram(dir)).toThrow(`'${join(dir, 'run')}' is no program`)
})

test('leaves out the cases that the program refuses, and says why', async () => {
  await writeProgram()
  const cases: OpenCase[] = Array.from({ length: 7 }, (_, number) => randomCase(1, number))
  cases[2] = { ...(cases[2] as OpenCase), title: 'bad' }
  cases[6] = { ...(cases[6] as OpenCase), title: 'bad' }
  const { filled, refused } = await new OracleProgram(dir).fill(cases)
  expect(filled.map(({ id }) => id)).toEqual([0, 1, 3, 4, 5].map(number => `random-1-${number}`))
  expect(refused.map(({ id }) => id)).toEqual(['random-1-2', 'random-1-6'])
  expect(refused[0]?.why).toBe('IllegalStateException: not that one')
})
