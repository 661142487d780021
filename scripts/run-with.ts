import { spawn } from 'node:child_process'

/** Runs the command that is the arguments of this process, with `env` added; then `stop`. The exit code is the command's. */
export async function runWith(
  script: string,
  env: Readonly<Record<string, string | undefined>>,
  stop: () => Promise<void> | undefined
): Promise<void> {
  const [command, ...args] = process.argv.slice(2)
  if (command === undefined) {
    await stop()
    throw new Error(`Usage: node scripts/${script} COMMAND [ARGUMENT…]`)
  }
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  // We outlive the command, to stop the server. In a terminal, Ctrl-C reaches the command without our help, and a second
  // SIGINT would make it stop at once.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  const code = await new Promise<number>(resolve => {
    child.once('error', error => {
      process.stderr.write(`${command} could not be started: ${error.message}\n`)
      resolve(1)
    })
    child.once('exit', exitCode => resolve(exitCode ?? 1))
  })
  await stop()
  process.exitCode = code
}
