import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { StreamsError } from '@millrace/streams/core'

export interface ListeningAddress {
  readonly host: string
  readonly port: number
}

/** `host:port` as in clients' settings. */
export function addressText({ host, port }: ListeningAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function reason(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException
  switch (code) {
    case 'EADDRINUSE':
      return 'the port is taken. Stop who has it, or take another; port 0 takes a free one.'
    case 'EACCES':
      return 'the port is not for every user. Take one above 1023; port 0 takes a free one.'
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `this machine has no such address (${code}). 127.0.0.1 is its own, 0.0.0.0 stands for all.`
    default:
      return String(cause)
  }
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
        `The embedded broker cannot listen on ${addressText({ host, port })}: ${reason(cause)}`,
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
