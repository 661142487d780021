import type { Socket } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import { StreamsError } from '@millrace/streams/core'
import type { BrokerServices } from '../broker-services.ts'
import type { ConnectionFacts } from '../handlers/handler.ts'
import { ConnectionError } from '../connection-error.ts'
import type { FramePeer } from './memory-transport.ts'
import type { RequestDispatcher } from './request-dispatcher.ts'
import { serveStream } from './serve-stream.ts'

const PRINCIPAL = 'User:ANONYMOUS'
const LOOPBACK = '/127.0.0.1'

/** The open connections, of all kinds. */
export class Connections {
  readonly #dispatcher: RequestDispatcher
  readonly #services: BrokerServices
  readonly #closers = new Map<() => void, Promise<void>>()
  #lastId = 0
  #closed = false

  constructor(dispatcher: RequestDispatcher, services: BrokerServices) {
    this.#dispatcher = dispatcher
    this.#services = services
  }

  get count(): number {
    return this.#closers.size
  }

  serveSocket(socket: Socket): void {
    this.#serve(socket, `/${socket.remoteAddress?.replace(/^::ffff:/, '') ?? 'unknown'}`)
  }

  /** The client's end of a connection that is no socket. */
  openStream(): Duplex {
    const [ours, theirs] = duplexPair()
    // The end of one is the end of the other, as with a socket.
    ours.once('close', () => theirs.destroy())
    theirs.once('close', () => ours.destroy())
    this.#serve(ours, LOOPBACK)
    return theirs
  }

  /** @throws StreamsError `CLIENT_CONNECT_FAILED` */
  openPeer(): FramePeer {
    if (this.#closed) throw new StreamsError('CLIENT_CONNECT_FAILED', 'The embedded broker is closed.')
    const closing = new AbortController()
    const facts = this.#facts(LOOPBACK, closing.signal)
    const waiting = new Set<(error: ConnectionError) => void>()
    const close = (): void => {
      closing.abort()
      this.#closers.delete(close)
      for (const giveUp of waiting) giveUp(new ConnectionError('The connection is closed'))
    }
    this.#closers.set(close, Promise.resolve())
    let last: Promise<unknown> = Promise.resolve()
    const answerInTurn = async (before: Promise<unknown>, frame: Buffer): Promise<Buffer | undefined> => {
      await before
      if (closing.signal.aborted) throw new ConnectionError('The connection is closed')
      try {
        const answer = await this.#dispatcher.answer(frame, facts)
        return answer === undefined ? undefined : Buffer.concat(answer)
      } catch (error) {
        this.#services.logger.warn('Closing a connection: a request could not be served.', { error })
        close()
        throw error
      }
    }
    return {
      ask(frame) {
        const answer = answerInTurn(last, frame)
        last = answer.catch(() => {})
        return new Promise((resolve, reject) => {
          waiting.add(reject)
          answer.then(resolve, reject).finally(() => waiting.delete(reject))
        })
      },
      get open() {
        return !closing.signal.aborted
      },
      close
    }
  }

  /** Closes all of them, and lets none in any more. */
  async close(): Promise<void> {
    this.#closed = true
    const ends = [...this.#closers.values()]
    for (const close of [...this.#closers.keys()]) close()
    await Promise.all(ends)
  }

  #serve(stream: Duplex, clientHost: string): void {
    if (this.#closed) {
      stream.destroy()
      return
    }
    const { clock, config, logger } = this.#services
    const close = (): void => void stream.destroy()
    const { closed: _, ...facts } = this.#facts(clientHost, NEVER)
    const end = serveStream({
      stream,
      facts,
      dispatcher: this.#dispatcher,
      clock,
      logger,
      maxRequestBytes: config.maxRequestBytes,
      maxIdleMs: config.maxConnectionIdleMs
    }).finally(() => this.#closers.delete(close))
    this.#closers.set(close, end)
  }

  #facts(clientHost: string, closed: AbortSignal): ConnectionFacts {
    return { id: ++this.#lastId, clientHost, principal: PRINCIPAL, closed }
  }
}

const NEVER = new AbortController().signal
