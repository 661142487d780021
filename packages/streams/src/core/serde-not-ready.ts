import { isStreamsError, StreamsError } from './errors.ts'

const READY = 'ready'

/**
 * What a serde throws when it has to wait before it can do what it is asked.
 *
 * @param message - what is waited for, and why it was not there at the last try.
 * @param ready - settles when trying again may help; that it is rejected changes nothing.
 */
export function serdeNotReady(
  message: string,
  ready: Promise<unknown>,
  details: Readonly<Record<string, unknown>> = {}
): StreamsError {
  ready.catch(() => {})
  return new StreamsError('SERDE_NOT_READY', message, { details: { ...details, [READY]: ready } })
}

/** Resolves when a serde that threw `error` may be asked again; undefined for every other error. */
export function whenSerdeReady(error: unknown): Promise<void> | undefined {
  if (!isStreamsError(error, 'SERDE_NOT_READY')) return undefined
  const done = () => {}
  return Promise.resolve(error.details[READY]).then(done, done)
}
