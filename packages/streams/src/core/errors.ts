/**
 * What the catcher of an error does about it. The runtime switches on this alone.
 *
 * - `retry`: passing; try again with back-off.
 * - `abort-transaction`: drop uncommitted state and output, go on from the committed offsets.
 * - `rejoin`: this member was replaced; drop its tasks and join as a new member.
 * - `rebuild-task`: the local state of the task cannot be used; restore it from its changelogs.
 * - `skip-record`: bad data; the handler that the user chose decides.
 * - `stop`: wrong use or a broken invariant; the application stops and says why.
 */
export type Action = 'retry' | 'abort-transaction' | 'rejoin' | 'rebuild-task' | 'skip-record' | 'stop'

/** Every code, with the action its catcher takes. Each is documented in docs/errors.md. */
export const ERRORS = {
  CONFIG_INVALID: 'stop',
  CONFIG_UNKNOWN_OPTION: 'stop',
  DURATION_INVALID: 'stop',

  TOPOLOGY_INVALID: 'stop',
  TOPOLOGY_DUPLICATE_NAME: 'stop',
  TOPOLOGY_DUPLICATE_STORE: 'stop',
  TOPOLOGY_UNKNOWN_NODE: 'stop',
  TOPOLOGY_UNKNOWN_STORE: 'stop',
  TOPOLOGY_STORE_NOT_CONNECTED: 'stop',
  TOPOLOGY_TOPIC_CONFLICT: 'stop',
  TOPOLOGY_SERDE_MISSING: 'stop',
  TOPOLOGY_WINDOW_INVALID: 'stop',
  TOPOLOGY_NOT_COPARTITIONED: 'stop',
  TOPOLOGY_CHANGED: 'stop',

  TOPIC_MISSING: 'stop',
  TOPIC_PARTITION_COUNT_MISMATCH: 'stop',
  TOPIC_CONFIG_MISMATCH: 'stop',
  TOPIC_CREATE_FAILED: 'stop',
  TOPIC_DELETE_FAILED: 'stop',

  PROCESSOR_KEY_CHANGED: 'stop',

  RECORD_DESERIALIZE_FAILED: 'skip-record',
  RECORD_SERIALIZE_FAILED: 'skip-record',
  RECORD_PROCESS_FAILED: 'stop',
  RECORD_PRODUCE_FAILED: 'stop',
  RECORD_TOO_LARGE: 'skip-record',
  RECORD_TIMESTAMP_INVALID: 'stop',
  RECORD_CORRUPT: 'stop',
  RECORD_FORMAT_UNSUPPORTED: 'stop',

  SERDE_NOT_READY: 'abort-transaction',
  SCHEMA_INVALID: 'stop',
  SCHEMA_NOT_FOUND: 'stop',
  SCHEMA_INCOMPATIBLE: 'stop',
  REGISTRY_UNAVAILABLE: 'retry',
  REGISTRY_REFUSED: 'stop',

  STORE_NOT_FOUND: 'stop',
  STORE_NOT_READY: 'retry',
  STORE_CLOSED: 'stop',
  STORE_READ_ONLY: 'stop',
  GLOBAL_TABLE_FAILED: 'stop',
  STATE_DIRECTORY_LOCKED: 'retry',
  STATE_DIRECTORY_UNUSABLE: 'stop',
  STATE_CORRUPT: 'rebuild-task',
  STATE_FORMAT_UNKNOWN: 'rebuild-task',
  STATE_LAYOUT_CHANGED: 'stop',
  STATE_WRITE_FAILED: 'stop',
  STATE_BUFFER_FULL: 'stop',

  TASK_CHANGELOG_OFFSET_OUT_OF_RANGE: 'rebuild-task',
  TASK_COMMIT_UNKNOWN: 'abort-transaction',
  TASK_OFFSET_METADATA_INVALID: 'stop',
  TASK_MIGRATED: 'rejoin',
  PRODUCER_FENCED: 'rejoin',
  PRODUCER_DELIVERY_TIMED_OUT: 'abort-transaction',
  TRANSACTION_ABORTED: 'abort-transaction',
  GROUP_MEMBER_FENCED: 'rejoin',
  GROUP_INSTANCE_FENCED: 'stop',
  GROUP_PROTOCOL_INCONSISTENT: 'stop',
  GROUP_FULL: 'stop',
  GROUP_JOIN_FAILED: 'stop',
  GROUP_LISTENER_FAILED: 'stop',
  GROUP_ASSIGNMENT_INVALID: 'stop',
  GROUP_NOT_EMPTY: 'stop',
  GROUP_OFFSETS_UNSTABLE: 'retry',

  CLIENT_CONNECT_FAILED: 'retry',
  CLIENT_REQUEST_TIMED_OUT: 'retry',
  CLIENT_REQUEST_FAILED: 'retry',
  CLIENT_AUTHENTICATION_FAILED: 'stop',
  CLIENT_AUTHORIZATION_FAILED: 'stop',
  CLIENT_UNSUPPORTED_VERSION: 'stop',
  CLIENT_PROTOCOL_ERROR: 'stop',
  CLIENT_OFFSET_OUT_OF_RANGE: 'stop',
  CLIENT_LOG_TRUNCATED: 'stop',
  CLIENT_CLOSED: 'stop',

  BROKER_LISTEN_FAILED: 'stop',
  BROKER_DATA_LOCKED: 'stop',
  BROKER_DATA_UNUSABLE: 'stop',
  BROKER_FAULT_INVALID: 'stop',

  RXJS_EMITTED_LATE: 'stop',
  RXJS_STATE_CARRIED: 'stop',
  RXJS_BUFFER_FULL: 'stop',

  APP_STATE_INVALID: 'stop',
  APP_CLOSE_TIMED_OUT: 'stop',

  TEST_NOTATION_INVALID: 'stop'
} as const satisfies { readonly [code: string]: Action }

export type ErrorCode = keyof typeof ERRORS

export interface StreamsErrorOptions {
  readonly cause?: unknown
  /** The values named in the message, as fields. */
  readonly details?: Readonly<Record<string, unknown>>
}

/**
 * The one error class. Match on `code`, never on `instanceof` (two installed copies break it) nor on the text.
 * The message says what happened, to which named thing, with which values, and what to do; it ends with the code.
 */
export class StreamsError extends Error {
  readonly code: ErrorCode
  readonly action: Action
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: StreamsErrorOptions = {}) {
    super(`${message} (${code})`, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'StreamsError'
    this.code = code
    this.action = ERRORS[code]
    this.details = options.details ?? {}
  }
}

/** Whether `error` is a StreamsError, of any installed copy; with `code`, of that code. */
export function isStreamsError(error: unknown, code?: ErrorCode): error is StreamsError {
  if (!(error instanceof Error) || error.name !== 'StreamsError' || !('code' in error)) return false
  return code === undefined || error.code === code
}
