import { STREAMS_OPTIONS } from '@millrace/streams/runtime'
import type { ConnectionOptions } from './connection-options.ts'
import type { MillraceOptions } from './millrace.ts'

/** Every option of the connection. */
export const CONNECTION_OPTIONS = [
  'brokers',
  'kafka',
  'requestTimeoutMs',
  'retryBackoffMs',
  'retryBackoffMaxMs',
  'connectionsMaxIdleMs',
  'clientRack',
  'logger'
] as const satisfies readonly (keyof ConnectionOptions)[]

/** Every option of an application. */
export const MILLRACE_OPTIONS = [
  ...CONNECTION_OPTIONS,
  ...STREAMS_OPTIONS,
  'stateDir',
  'handleSignals',
  'restoreListener'
] as const satisfies readonly (keyof MillraceOptions)[]
