import { type ConnectionFacts, NO_ANSWER } from './handler.ts'

/**
 * The answer of a request that may wait, or none once its connection is gone. Kafka leaves some requests without an
 * answer for good, such as the SyncGroup of a member that was removed meanwhile: only the end of the connection ends
 * them.
 */
export function untilGone<T>(answer: Promise<T>, { closed }: ConnectionFacts): Promise<T | typeof NO_ANSWER> {
  if (closed.aborted) return Promise.resolve(NO_ANSWER)
  return new Promise((resolve, reject) => {
    const gone = (): void => resolve(NO_ANSWER)
    closed.addEventListener('abort', gone, { once: true })
    answer.then(resolve, reject).finally(() => closed.removeEventListener('abort', gone))
  })
}
