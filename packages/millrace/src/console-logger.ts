import type { LogFields, Logger } from '@millrace/streams/ports'

/** Warnings and errors to stderr, one line each: what an application that said nothing about logging gets. */
export const consoleLogger: Logger = {
  debug() {},
  info() {},
  warn: (message, fields) => print('warn', message, fields),
  error: (message, fields) => print('error', message, fields)
}

function print(level: string, message: string, fields: LogFields | undefined): void {
  const details = fields === undefined || Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`
  process.stderr.write(`${new Date().toISOString()} millrace ${level}: ${message}${details}\n`)
}
