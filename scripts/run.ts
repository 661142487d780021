import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))

export interface RunOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
}

/** Runs a command with this process's terminal and returns its exit code; 1 when a signal ended it. */
export async function run(
  command: string,
  args: readonly string[],
  { cwd = ROOT, env }: RunOptions = {}
): Promise<number> {
  const child = spawn(command, args, { cwd, env: env ?? process.env, stdio: 'inherit' })
  return await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => resolve(code ?? 1))
  })
}

/** Runs a command and returns what it wrote to its standard output; throws with all it wrote when it fails. */
export async function capture(
  command: string,
  args: readonly string[],
  { cwd = ROOT, env }: RunOptions = {}
): Promise<string> {
  const child = spawn(command, args, { cwd, env: env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}:\n${output}${errors}`)
  return output
}
