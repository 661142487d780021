import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BrokerProcessAnswer, BrokerProcessOptions } from './embedded-broker-process.ts'
import { freePorts } from './free-ports.ts'
import type { BrokerOptions, RunningBroker } from './running-broker.ts'

const PROCESS = fileURLToPath(new URL('./embedded-broker-process.ts', import.meta.url))
const PORT_ATTEMPTS = 5

/** Starts an embedded broker in a process of its own, with its data on disk, and returns when it listens. */
export async function startEmbeddedBroker(options: BrokerOptions = {}): Promise<RunningBroker> {
  const temporary = options.dir === undefined
  const dir = options.dir === undefined ? await mkdtemp(join(tmpdir(), 'millrace-broker-')) : resolve(options.dir)
  await mkdir(dir, { recursive: true })
  try {
    for (let attempt = 1; ; attempt++) {
      // Not one that the operating system picks: an outgoing connection could take that while the broker restarts.
      const port = options.port || ((await freePorts(1))[0] as number)
      try {
        return await startOn(port, dir, temporary)
      } catch (error) {
        // Somebody took the port between our look and the broker's.
        const taken = error instanceof BrokerProcessError && error.code === 'BROKER_LISTEN_FAILED'
        if (!taken || options.port || attempt === PORT_ATTEMPTS) throw error
      }
    }
  } catch (error) {
    if (temporary) await rm(dir, { recursive: true, force: true })
    throw error
  }
}

async function startOn(port: number, dir: string, temporary: boolean): Promise<RunningBroker> {
  const options: BrokerProcessOptions = { port, dir, temporary }
  let current = await launch(options)
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (current.exitCode !== null || current.signalCode !== null) return
    const exited = once(current, 'exit')
    current.kill(signal)
    await exited
  }
  return {
    brokers: `127.0.0.1:${port}`,
    port,
    dir,
    get pid() {
      return current.pid as number
    },
    async restart(signal = 'SIGTERM') {
      await end(signal)
      current = await launch(options)
    },
    async stop({ wipe = temporary } = {}) {
      await end(wipe ? 'SIGKILL' : 'SIGTERM')
      if (wipe) await rm(dir, { recursive: true, force: true })
    }
  }
}

class BrokerProcessError extends Error {
  readonly code: string | undefined

  constructor(message: string, code?: string) {
    super(message)
    this.code = code
  }
}

async function launch(options: BrokerProcessOptions): Promise<ChildProcess> {
  // A process group of its own: Ctrl-C in the terminal is for the process that decides about the broker.
  const child = fork(PROCESS, [JSON.stringify(options)], { detached: true, execArgv: ['--conditions=millrace-source'] })
  const exited = once(child, 'exit').then(([code, signal]): BrokerProcessAnswer => {
    return { error: `The embedded broker ended while starting (exit code ${code}, signal ${signal}).` }
  })
  const answered = once(child, 'message').then(([answer]) => answer as BrokerProcessAnswer)
  const answer = await Promise.race([answered, exited])
  if ('error' in answer) {
    await exited
    throw new BrokerProcessError(answer.error, answer.code)
  }
  return child
}
