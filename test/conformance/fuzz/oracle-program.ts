import { execFile } from 'node:child_process'
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ConformanceCase } from '../case-format.ts'
import type { OpenCase } from './random-case.ts'

export const ORACLE_VARIABLE = 'MILLRACE_ORACLE'
const run = promisify(execFile)

/** Kafka Streams behind a program: `run IN.json OUT.json` copies an array of cases with `expect` filled in. */
export class OracleProgram {
  readonly #program: string

  /** @throws Error that tells what is needed. */
  constructor(dir: string | undefined) {
    if (dir === undefined) throw new Error(`No program is named that asks Kafka Streams.\n${WHAT_IS_NEEDED}`)
    this.#program = join(dir, 'run')
    try {
      accessSync(this.#program, constants.X_OK)
    } catch {
      throw new Error(`'${this.#program}' is no program.\n${WHAT_IS_NEEDED}`)
    }
  }

  /** A case that the program refuses is left out: a batch that fails is halved until only such cases fail. */
  async fill(
    cases: readonly OpenCase[]
  ): Promise<{ filled: ConformanceCase[]; refused: { id: string; why: string }[] }> {
    try {
      return { filled: await this.#ask(cases), refused: [] }
    } catch (error) {
      const [only] = cases
      if (only === undefined) throw error
      if (cases.length === 1) return { filled: [], refused: [{ id: only.id, why: lastWords(error) }] }
      const half = Math.ceil(cases.length / 2)
      const first = await this.fill(cases.slice(0, half))
      const second = await this.fill(cases.slice(half))
      return { filled: [...first.filled, ...second.filled], refused: [...first.refused, ...second.refused] }
    }
  }

  async #ask(cases: readonly OpenCase[]): Promise<ConformanceCase[]> {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-oracle-'))
    try {
      const [input, output] = [join(dir, 'in.json'), join(dir, 'out.json')]
      writeFileSync(input, JSON.stringify(cases))
      await run(this.#program, [input, output], { maxBuffer: 64 * 1024 * 1024 })
      return JSON.parse(readFileSync(output, 'utf8')) as ConformanceCase[]
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  }
}

const WHAT_IS_NEEDED =
  `Name its folder with --oracle DIR or ${ORACLE_VARIABLE}. The folder holds an executable 'run', called as 'run IN.json OUT.json':\n` +
  'it reads an array of cases, builds each topology with StreamsBuilder of Apache Kafka Streams 4.3, pipes the steps through its\n' +
  'TopologyTestDriver and writes the cases with the field `expect`. It needs Java 17. The format is declared in\n' +
  'test/conformance/case-format.ts, and told in test/conformance/fixtures/README.md.'

/** The line that names the cause; stack traces come before it or after it. */
function lastWords(error: unknown): string {
  const { stderr = '', message } = error as { stderr?: string; message: string }
  const lines = stderr.split('\n').filter(line => /Exception|Error/.test(line))
  return lines.at(-1)?.trim() ?? message
}
