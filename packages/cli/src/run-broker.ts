import type { LogFields } from '@millrace/streams/ports'
import type { BrokerCommand } from './command-line.ts'
import type { CliIo, CliSignal } from './main.ts'

const SIGNALS: readonly CliSignal[] = ['SIGINT', 'SIGTERM']

/** Runs a broker until the first signal. Returns the exit code. */
export async function runBroker({ host, port, data, fsync }: BrokerCommand, io: CliIo): Promise<number> {
  // Listened to before anything is open, so that whatever is opened is closed.
  const stopped = new Promise<void>(resolve => {
    const stop = (): void => {
      for (const signal of SIGNALS) io.offSignal(signal, stop)
      resolve()
    }
    for (const signal of SIGNALS) io.onSignal(signal, stop)
  })
  const line = (message: string, fields?: LogFields): void => {
    io.writeError(fields === undefined ? `${message}\n` : `${message} ${JSON.stringify(fields, withErrors)}\n`)
  }
  // Loaded here: workers do without.
  const [{ EmbeddedBroker }, { isStreamsError }] = await Promise.all([
    import('@millrace/broker'),
    import('@millrace/streams/core')
  ])
  try {
    await using broker = await EmbeddedBroker.start({
      host,
      port,
      fsync,
      logger: { debug() {}, info: line, warn: line, error: line },
      ...(data === undefined ? {} : { data })
    })
    const kept = data === undefined ? 'in memory, forgotten at the end' : `in ${data}`
    io.writeOut(`Kafka clients connect to ${broker.bootstrap}; data is kept ${kept}.\n`)
    await stopped
  } catch (error) {
    if (!isStreamsError(error)) throw error
    io.writeError(`${error.message}\n`)
    return 1
  }
  return 0
}

function withErrors(_field: string, value: unknown): unknown {
  return value instanceof Error ? (value.stack ?? value.message) : typeof value === 'bigint' ? String(value) : value
}
