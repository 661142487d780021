import { StreamsError } from '../errors.ts'

/** The error of a serde of fixed width that was given another number of bytes. */
export function wrongLength(serde: string, expectedBytes: number, actualBytes: number): StreamsError {
  return new StreamsError(
    'RECORD_DESERIALIZE_FAILED',
    `${actualBytes} bytes cannot be read as ${serde}, which has ${expectedBytes}. Read the topic with the serde it was written with.`,
    { details: { serde, expectedBytes, actualBytes } }
  )
}
