import { ErrorCode } from '../error-code.ts'

/** The error for a version: clients older than `knownFrom` know PRODUCER_FENCED only as INVALID_PRODUCER_EPOCH. */
export function fencedError(errorCode: number, version: number, knownFrom: number): number {
  const isNews = errorCode === ErrorCode.PRODUCER_FENCED && version < knownFrom
  return isNews ? ErrorCode.INVALID_PRODUCER_EPOCH : errorCode
}
