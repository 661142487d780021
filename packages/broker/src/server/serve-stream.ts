import type { Duplex } from 'node:stream'
import type { Clock, Logger } from '@millrace/streams/ports'
import type { ConnectionFacts } from '../handlers/handler.ts'
import { ConnectionError } from '../connection-error.ts'
import { FrameReader } from './frame-reader.ts'
import type { AnswerFrame, RequestDispatcher } from './request-dispatcher.ts'

export interface ServedStream {
  readonly stream: Duplex
  readonly facts: Omit<ConnectionFacts, 'closed'>
  readonly dispatcher: RequestDispatcher
  readonly clock: Clock
  readonly logger: Logger
  readonly maxRequestBytes: number
  readonly maxIdleMs: number
}

/** Bytes of requests that may wait behind one that is being served; above it the stream is not read from. */
const MAX_WAITING_BYTES = 64 * 1024

/**
 * Serves one connection until it ends: one request after the other, in their order. While one waits, for records or for
 * a peer that does not read its answer, little more is read: no more is held for a connection than one request and one
 * answer and what waits within the bounds of the stream.
 */
export async function serveStream(served: ServedStream): Promise<void> {
  const connection = new ServedConnection(served)
  await connection.end
}

class ServedConnection {
  /** Resolves when the connection is closed and nothing is being served any more. */
  readonly end: Promise<void>
  readonly #served: ServedStream
  readonly #frames: FrameReader
  readonly #facts: ConnectionFacts
  readonly #gone = new AbortController()
  readonly #idle: IdleTimer
  readonly #ended: () => void
  #busy = false
  /** The peer sends no more; what it has sent is still served. */
  #peerEnded = false

  constructor(served: ServedStream) {
    const { stream, clock, logger, facts, maxIdleMs } = served
    this.#served = served
    this.#frames = new FrameReader(served.maxRequestBytes)
    this.#facts = { ...facts, closed: this.#gone.signal }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.end = promise
    this.#ended = resolve
    this.#idle = idleTimer(clock, maxIdleMs, () => {
      logger.debug('Closing a connection that was idle.', { connection: facts.id, idleMs: maxIdleMs })
      stream.destroy()
    })
    stream.on('data', (chunk: Buffer) => this.#take(chunk))
    stream.on('end', () => {
      this.#peerEnded = true
      // Whoever waits for an answer has gone; a waiting request gives up, and those behind it have their turn.
      this.#gone.abort()
      if (!this.#busy) stream.destroy()
    })
    stream.on('close', () => {
      this.#gone.abort()
      this.#idle.stop()
      if (!this.#busy) this.#ended()
    })
    // Errors of sockets are the peer's doing; 'close' follows.
    stream.on('error', error => logger.debug('A connection broke.', { connection: facts.id, error: error.message }))
  }

  #take(chunk: Buffer): void {
    this.#idle.restart()
    this.#frames.push(chunk)
    if (!this.#busy) void this.#serve()
    else if (this.#frames.waitingBytes > MAX_WAITING_BYTES) this.#served.stream.pause()
  }

  async #serve(): Promise<void> {
    const { stream, dispatcher } = this.#served
    this.#busy = true
    // Within memory a write is read at once: no peer expects an answer before its write has returned.
    await Promise.resolve()
    try {
      for (let frame = this.#frames.next(); frame !== undefined; frame = this.#frames.next()) {
        const answered = dispatcher.answer(frame, this.#facts)
        const answer = answered instanceof Promise ? await answered : answered
        if (stream.destroyed) break
        this.#idle.restart()
        const written = answer === undefined ? undefined : write(stream, answer)
        if (written !== undefined) await written
      }
    } catch (error) {
      this.#refuse(error)
    }
    this.#busy = false
    if (this.#peerEnded) stream.destroy()
    if (stream.destroyed) this.#ended()
    else stream.resume()
  }

  #refuse(error: unknown): void {
    const { stream, logger, facts } = this.#served
    if (error instanceof ConnectionError) {
      logger.warn(`Closing a connection: ${error.message}`, { connection: facts.id, host: facts.clientHost })
    } else if (!stream.destroyed) {
      logger.error('Closing a connection: a request could not be served.', { connection: facts.id, error })
    }
    stream.destroy()
  }
}

/** Resolves when the stream takes more, or is gone. */
function write(stream: Duplex, answer: AnswerFrame): Promise<void> | undefined {
  stream.cork()
  let takesMore = true
  for (const piece of answer) takesMore = stream.write(piece)
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

interface IdleTimer {
  restart(): void
  stop(): void
}

/** One timer for a connection, however often it is restarted: it looks at the time when it fires. */
function idleTimer(clock: Clock, idleMs: number, expired: () => void): IdleTimer {
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
