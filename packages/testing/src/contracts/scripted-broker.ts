import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** One request as it came over the wire. */
export interface ReceivedRequest {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  /** Everything behind the client id: in a flexible header its tagged fields come first. */
  readonly rest: Buffer
  /** Counted from 1, over the connection. */
  readonly sequence: number
  /** Answers with these bytes behind the correlation id. */
  answer(body: Uint8Array): void
  /** Cuts the connection. */
  cut(): void
}

/**
 * A TCP server that speaks only the framing of Kafka's protocol: what it answers is up to a function. For tests of
 * what is below the messages.
 */
export class ScriptedBroker {
  readonly received: ReceivedRequest[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
  }

  /** Listens on a free port of the loopback interface. */
  static async listen(onRequest: (request: ReceivedRequest) => void): Promise<ScriptedBroker> {
    const server = createServer()
    const broker = new ScriptedBroker(server)
    server.on('connection', socket => broker.#serve(socket, onRequest))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return broker
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  get connectionCount(): number {
    return this.#sockets.size
  }

  /** Resolves when no client is connected any more. */
  async disconnected(): Promise<void> {
    await Promise.all([...this.#sockets].map(socket => once(socket, 'close')))
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #serve(socket: Socket, onRequest: (request: ReceivedRequest) => void): void {
    let buffered = Buffer.alloc(0)
    let sequence = 0
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {})
    socket.on('data', chunk => {
      buffered = Buffer.concat([buffered, chunk])
      while (buffered.length >= 4 && buffered.length >= 4 + buffered.readInt32BE(0)) {
        const size = buffered.readInt32BE(0)
        const request = readRequest(buffered.subarray(4, 4 + size), ++sequence, socket)
        buffered = buffered.subarray(4 + size)
        this.received.push(request)
        onRequest(request)
      }
    })
  }
}

function readRequest(frame: Buffer, sequence: number, socket: Socket): ReceivedRequest {
  const correlationId = frame.readInt32BE(4)
  const clientIdBytes = frame.readInt16BE(8)
  const clientIdEnd = 10 + Math.max(0, clientIdBytes)
  return {
    apiKey: frame.readInt16BE(0),
    apiVersion: frame.readInt16BE(2),
    correlationId,
    clientId: clientIdBytes < 0 ? null : frame.toString('utf8', 10, clientIdEnd),
    rest: Buffer.from(frame.subarray(clientIdEnd)),
    sequence,
    answer(body) {
      const head = Buffer.allocUnsafe(8)
      head.writeInt32BE(4 + body.length, 0)
      head.writeInt32BE(correlationId, 4)
      socket.write(Buffer.concat([head, body]))
    },
    cut: () => socket.destroy()
  }
}
