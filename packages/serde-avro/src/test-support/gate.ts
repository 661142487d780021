import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A door in front of a server: while it is shut, whoever comes is turned away and whoever is in is thrown out. */
export class Gate {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #target: URL
  #isOpen = true

  private constructor(target: URL) {
    this.#target = target
    this.#server = createServer(socket => this.#admit(socket))
  }

  static async before(url: string): Promise<Gate> {
    const gate = new Gate(new URL(url))
    await new Promise<void>(resolve => void gate.#server.listen(0, '127.0.0.1', resolve))
    return gate
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}${this.#target.pathname.replace(/\/$/, '')}`
  }

  shut(): void {
    this.#isOpen = false
    for (const socket of this.#sockets) socket.destroy()
  }

  open(): void {
    this.#isOpen = true
  }

  async close(): Promise<void> {
    this.shut()
    await new Promise<void>(resolve => void this.#server.close(() => resolve()))
  }

  #admit(socket: Socket): void {
    if (!this.#isOpen) {
      socket.resetAndDestroy()
      return
    }
    const inner = connect(Number(this.#target.port), this.#target.hostname)
    for (const [side, other] of [
      [socket, inner],
      [inner, socket]
    ] as const) {
      this.#sockets.add(side)
      side.on('error', () => {})
      side.once('close', () => {
        this.#sockets.delete(side)
        other.destroy()
      })
      side.pipe(other)
    }
  }
}
