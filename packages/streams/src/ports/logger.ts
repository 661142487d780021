export type LogFields = Readonly<Record<string, unknown>>

/** Structured log output. `console` satisfies it. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

export const SILENT_LOGGER: Logger = { debug() {}, info() {}, warn() {}, error() {} }
