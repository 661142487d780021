import { existsSync, readFileSync } from 'node:fs'
import { type CommandLine, parseCommandLine, UsageError } from './command-line.ts'
import { processIo } from './process-io.ts'
import { runBroker } from './run-broker.ts'
import { runTxn } from './run-txn.ts'
import { runWorkers } from './run-workers.ts'
import { USAGE } from './usage.ts'

export type CliSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

/** What the command line needs of the process around it. */
export interface CliIo {
  readonly env: NodeJS.ProcessEnv
  writeOut(this: void, text: string): void
  writeError(this: void, text: string): void
  onSignal(signal: CliSignal, listener: () => void): void
  offSignal(signal: CliSignal, listener: () => void): void
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonicMs(): number
  /** Settles after `ms`, or as soon as `signal` is aborted; keeps the process alive meanwhile. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

const USAGE_EXIT_CODE = 2

export { processIo }

/**
 * The `millrace` command. Returns the exit code; nothing in here ends the process.
 *
 * @param argv - What follows the name of the command.
 */
export async function main(argv: readonly string[], io: CliIo = processIo()): Promise<number> {
  let commandLine: CommandLine
  try {
    commandLine = parseCommandLine(argv)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    io.writeError(`${error.message}\nSee \`millrace --help\`.\n`)
    return USAGE_EXIT_CODE
  }
  switch (commandLine.command) {
    case 'help':
      io.writeOut(USAGE)
      return 0
    case 'version':
      io.writeOut(`${version()}\n`)
      return 0
    case 'broker':
      return await runBroker(commandLine, io)
    case 'txn':
      return await runTxn(commandLine, io)
    case 'run':
      if (!existsSync(commandLine.entry)) {
        io.writeError(`There is no file '${commandLine.entry}' to run, seen from ${process.cwd()}.\n`)
        return USAGE_EXIT_CODE
      }
      return await runWorkers(commandLine, io)
  }
}

function version(): string {
  // One level up both from src/ and from dist/.
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  return manifest.version
}
