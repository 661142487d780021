import { decodeResponseHeader, encodeRequestHeader } from '@millrace/protocol'
import { StreamsError } from '@millrace/streams/core'
import type { Clock } from '@millrace/streams/ports'

/** A request as `@millrace/client` hands it to its transport. */
export interface MemoryRequest {
  readonly apiKey: number
  readonly apiVersion: number
  readonly apiName: string
  readonly body: Uint8Array
  readonly flexibleRequest: boolean
  readonly flexibleResponse: boolean
  readonly timeoutMs: number
}

const SIZE_BYTES = 4

/** Where a connection's requests go: frames in, frames out, one after the other. */
export interface FramePeer {
  /**
   * @returns The answer's frame, with its size, as bytes of its own; undefined if there is none. Rejects when the connection is closed.
   */
  ask(frame: Buffer): Promise<Buffer | undefined>
  readonly open: boolean
  close(): void
}

/** Connections of `@millrace/client` straight to the broker in the same process: no socket, no port. */
export class MemoryTransport {
  readonly #address: { readonly host: string; readonly port: number }
  readonly #clock: Clock
  readonly #dial: () => FramePeer

  constructor(address: { readonly host: string; readonly port: number }, clock: Clock, dial: () => FramePeer) {
    this.#address = address
    this.#clock = clock
    this.#dial = dial
  }

  bootstrap(): Promise<readonly { readonly host: string; readonly port: number }[]> {
    return Promise.resolve([this.#address])
  }

  /** @throws StreamsError `CLIENT_CONNECT_FAILED` once the broker is closed. */
  connect(_broker: { readonly host: string; readonly port: number }): Promise<MemoryConnection> {
    try {
      return Promise.resolve(new MemoryConnection(this.#dial(), this.#clock))
    } catch (error) {
      return Promise.reject(error)
    }
  }
}

class MemoryConnection {
  readonly #peer: FramePeer
  readonly #clock: Clock
  #correlationId = 0

  constructor(peer: FramePeer, clock: Clock) {
    this.#peer = peer
    this.#clock = clock
  }

  get connected(): boolean {
    return this.#peer.open
  }

  send(request: MemoryRequest): Promise<Buffer> {
    const { apiKey, apiVersion, apiName, timeoutMs } = request
    const correlationId = this.#correlationId++
    const header = encodeRequestHeader(
      { apiKey, apiVersion, correlationId, clientId: 'memory' },
      request.flexibleRequest
    )
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.setTimer(timeoutMs, () => {
        const message = `The embedded broker did not answer ${apiName} within ${timeoutMs} ms.`
        reject(new StreamsError('CLIENT_REQUEST_TIMED_OUT', message, { details: { api: apiName, timeoutMs } }))
        // Answers come in order: whatever is behind this one would wait for it.
        this.#peer.close()
      })
      this.#peer
        .ask(Buffer.concat([header, request.body]))
        .finally(cancel)
        .then(answer => {
          if (answer === undefined) return resolve(Buffer.alloc(0))
          const frame = answer.subarray(SIZE_BYTES)
          resolve(frame.subarray(decodeResponseHeader(frame, request.flexibleResponse).bodyStart))
        })
        .catch((cause: unknown) => {
          const message = `The connection to the embedded broker was closed before it answered ${apiName}.`
          reject(new StreamsError('CLIENT_REQUEST_FAILED', message, { cause, details: { api: apiName } }))
        })
    })
  }

  close(): Promise<void> {
    this.#peer.close()
    return Promise.resolve()
  }
}
