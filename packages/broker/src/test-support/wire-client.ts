import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  type Api,
  decodeResponse,
  decodeResponseHeader,
  encodeRequest,
  encodeRequestHeader,
  flexibleRequest,
  flexibleResponse,
  type RequestOf,
  type ResponseOf
} from '@millrace/protocol'

/** Sends requests over one connection and hands out their answers. Knows nothing of retries, metadata or groups. */
export class WireClient {
  readonly #stream: Duplex
  readonly #waiting = new Map<number, (frame: Buffer) => void>()
  #correlationId = 0
  #received: Buffer = Buffer.alloc(0)

  constructor(stream: Duplex) {
    this.#stream = stream
    stream.on('data', (chunk: Buffer) => this.#receive(chunk))
    // Requests under way stay unanswered, which their test notices.
    stream.on('error', () => {})
  }

  /** @param address - `host:port` */
  static dial(address: string): WireClient {
    const at = address.lastIndexOf(':')
    return new WireClient(connect(Number(address.slice(at + 1)), address.slice(0, at)))
  }

  send<A extends Api>(api: A, version: number, body: RequestOf<A>): Promise<ResponseOf<A>> {
    const correlationId = this.#correlationId++
    const header = { apiKey: api.key, apiVersion: version, correlationId, clientId: 'wire' }
    const content = [encodeRequestHeader(header, flexibleRequest(api, version)), encodeRequest(api, version, body)]
    const size = Buffer.alloc(4)
    size.writeInt32BE(content.reduce((sum, { length }) => sum + length, 0))
    this.#stream.write(Buffer.concat([size, ...content]))
    return new Promise(resolve => {
      this.#waiting.set(correlationId, frame => {
        const { bodyStart } = decodeResponseHeader(frame, flexibleResponse(api, version))
        resolve(decodeResponse(api, version, frame.subarray(bodyStart)))
      })
    })
  }

  close(): void {
    this.#stream.destroy()
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk])
    while (this.#received.length >= 4) {
      const end = 4 + this.#received.readInt32BE(0)
      if (this.#received.length < end) return
      const frame = this.#received.subarray(4, end)
      this.#received = this.#received.subarray(end)
      const correlationId = frame.readInt32BE(0)
      this.#waiting.get(correlationId)?.(frame)
      this.#waiting.delete(correlationId)
    }
  }
}
