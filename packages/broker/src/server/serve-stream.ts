import type { Duplex } from 'node:stream'
import type { Clock, Logger } from '@millrace/streams/ports'
import type { ConnectionFacts } from '../handlers/handler.ts'
import { ConnectionError } from '../connection-error.ts'
import { FrameReader } from './frame-reader.ts'
import type { RequestDispatcher } from './request-dispatcher.ts'

export interface ServedStream {
  readonly stream: Duplex
  readonly facts: Omit<ConnectionFacts, 'closed'>
  readonly dispatcher: RequestDispatcher
  readonly clock: Clock
  readonly logger: Logger
  readonly maxRequestBytes: number
  readonly maxIdleMs: number
}

/**
 * Serves one connection until it ends: reads a request, answers it, then reads the next. So a peer that does not read its
 * answers is not read from either, and no more is held for it than one request, one answer and the stream's own buffers.
 */
export async function serveStream(served: ServedStream): Promise<void> {
  const { stream, clock, logger, dispatcher } = served
  const closing = new AbortController()
  const facts: ConnectionFacts = { ...served.facts, closed: closing.signal }
  const frames = new FrameReader(served.maxRequestBytes)
  const idle = idleTimer(clock, served.maxIdleMs, () => {
    logger.debug('Closing a connection that was idle.', { connection: facts.id, idleMs: served.maxIdleMs })
    stream.destroy()
  })
  stream.once('close', () => closing.abort())
  // Errors of sockets are the peer's doing; the loop below ends with them.
  stream.on('error', error => logger.debug('A connection broke.', { connection: facts.id, error: error.message }))
  try {
    for await (const chunk of stream) {
      idle.restart()
      frames.push(chunk as Buffer)
      for (let frame = frames.next(); frame !== undefined; frame = frames.next()) {
        const answer = await dispatcher.answer(frame, facts)
        if (stream.destroyed) return
        if (answer !== undefined) await write(stream, answer)
        idle.restart()
      }
    }
  } catch (error) {
    if (error instanceof ConnectionError) {
      logger.warn(`Closing a connection: ${error.message}`, { connection: facts.id, host: facts.clientHost })
    } else if (!stream.destroyed) {
      logger.error('Closing a connection: a request could not be served.', { connection: facts.id, error })
    }
  } finally {
    idle.stop()
    stream.destroy()
    closing.abort()
  }
}

/** Resolves when the stream takes more, or is gone. */
function write(stream: Duplex, answer: Buffer): Promise<void> | undefined {
  const size = Buffer.allocUnsafe(4)
  size.writeInt32BE(answer.length)
  stream.cork()
  stream.write(size)
  const takesMore = stream.write(answer)
  stream.uncork()
  if (takesMore || stream.destroyed) return undefined
  return new Promise(resolve => {
    const done = (): void => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve()
    }
    stream.on('drain', done)
    stream.on('close', done)
  })
}

/** One timer for a connection, however often it is restarted: it looks at the time when it fires. */
function idleTimer(clock: Clock, idleMs: number, expired: () => void): { restart(): void; stop(): void } {
  let lastMs = clock.monotonicMs()
  let cancel: () => void
  const arm = (delayMs: number): void => {
    cancel = clock.setTimer(delayMs, () => {
      const leftMs = lastMs + idleMs - clock.monotonicMs()
      if (leftMs <= 0) expired()
      else arm(leftMs)
    })
  }
  arm(idleMs)
  return {
    restart: () => {
      lastMs = clock.monotonicMs()
    },
    stop: () => cancel()
  }
}
