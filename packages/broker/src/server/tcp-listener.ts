import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { StreamsError } from '@millrace/streams/core'

export interface ListeningAddress {
  readonly host: string
  readonly port: number
}

/** Accepts TCP connections. */
export class TcpListener {
  readonly address: ListeningAddress
  readonly #server: Server

  private constructor(server: Server, address: ListeningAddress) {
    this.#server = server
    this.address = address
  }

  /**
   * @param port - 0 takes a free one.
   * @throws StreamsError `BROKER_LISTEN_FAILED` when the port cannot be listened on.
   */
  static async open(host: string, port: number, accept: (socket: Socket) => void): Promise<TcpListener> {
    const server = createServer({ noDelay: true, keepAlive: true }, accept)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => {
        server.off('error', reject)
        resolve()
      })
    }).catch((cause: unknown) => {
      throw new StreamsError(
        'BROKER_LISTEN_FAILED',
        `The embedded broker cannot listen on ${host}:${port}. Is the port taken? Port 0 takes a free one.`,
        { cause, details: { host, port } }
      )
    })
    // A failed accept concerns one peer; the server goes on.
    server.on('error', () => {})
    return new TcpListener(server, { host, port: (server.address() as AddressInfo).port })
  }

  /** Accepts no more. */
  close(): Promise<void> {
    return new Promise(resolve => this.#server.close(() => resolve()))
  }
}
