import { copyFile, cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { capture } from '../../scripts/run.ts'

const WORD_COUNT = fileURLToPath(new URL('../../examples/01-word-count', import.meta.url))
const WORD_COUNT_FILES = ['app.ts', 'word-count.ts']
const CONSUMER = fileURLToPath(new URL('./fixtures/consumer', import.meta.url))

/** An empty project outside the workspace, with a Node of its own, into which the packed packages were installed. */
export interface Installation {
  readonly dir: string
  /** Runs a command with that Node, as its user would; returns its standard output. */
  run(command: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<string>
}

export async function install(dir: string, nodeVersion: string, tarballs: readonly string[]): Promise<Installation> {
  await rm(dir, { recursive: true, force: true })
  await mkdir(dir, { recursive: true })
  const manifest = { name: 'consumer', private: true, type: 'module', allowScripts: { node: true } }
  await writeFile(join(dir, 'package.json'), JSON.stringify(manifest))
  await cp(CONSUMER, dir, { recursive: true })
  for (const file of WORD_COUNT_FILES) await copyFile(join(WORD_COUNT, file), join(dir, file))

  const path = `${join(dir, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`
  const run = (command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> =>
    capture(command, args, { cwd: dir, env: { ...environmentOfAUser(), PATH: path, ...env } })

  const tools = [`node@${nodeVersion}`, 'typescript@7', '@types/node@22']
  await run('npm', ['install', '--no-audit', '--no-fund', ...tarballs, ...tools])
  return { dir, run }
}

/**
 * Without what `npm run` and the workspace's .npmrc set: a user of the packages has no `millrace-source` condition, and
 * Node would refuse the TypeScript that it leads to.
 */
function environmentOfAUser(): NodeJS.ProcessEnv {
  const ours =
    /^(NODE_OPTIONS|NODE_ENV|INIT_CWD|VITEST.*|npm_(package|lifecycle|node|execpath|command).*|npm_config_(node_options|local_prefix|prefix|global_prefix))$/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
}
