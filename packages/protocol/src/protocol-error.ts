/** Every code a ProtocolError may carry. */
export type ProtocolErrorCode =
  /** The bytes end inside a field, or a count promises more than follows. */
  | 'PROTOCOL_TRUNCATED'
  /**
   * The bytes hold what the format does not allow: null where none may be, a varint without end, an unknown batch
   * format.
   */
  | 'PROTOCOL_MALFORMED'
  /**
   * A value that cannot be encoded: null in a field that takes none, a number out of range, a version we do not know.
   */
  | 'PROTOCOL_INVALID_VALUE'
  /** An int64 beyond 2^53, which a JavaScript number cannot hold. */
  | 'PROTOCOL_INT64_TOO_LARGE'
  /** A record batch whose checksum or inner structure is wrong. `details.baseOffset` tells which. */
  | 'RECORD_CORRUPT'
  /** A message format older than Kafka 0.11's record batches. */
  | 'RECORD_FORMAT_UNSUPPORTED'
  /** A codec this Node.js lacks, or an unknown one. */
  | 'COMPRESSION_UNSUPPORTED'

/** The one error of this package. Match on `code`; `details` holds the values that the message names. */
export class ProtocolError extends Error {
  readonly code: ProtocolErrorCode
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: ProtocolErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly details?: Readonly<Record<string, unknown>> } = {}
  ) {
    super(`${message} (${code})`, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'ProtocolError'
    this.code = code
    this.details = options.details ?? {}
  }
}

/** Whether `error` is a ProtocolError, of any installed copy; with `code`, of that code. */
export function isProtocolError(error: unknown, code?: ProtocolErrorCode): error is ProtocolError {
  if (!(error instanceof Error) || error.name !== 'ProtocolError' || !('code' in error)) return false
  return code === undefined || error.code === code
}
