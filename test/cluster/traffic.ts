import type { Transport } from '@millrace/client'
import { intercepted } from './intercepted-transport.ts'

/** What a client has sent in its busiest second, by kind of request. `connect` counts attempts to open a connection to one broker. */
export type BusiestSecond = Readonly<Record<string, number>>

/** Counts what goes through a transport, second by second. */
export class Traffic {
  readonly #most = new Map<string, number>()
  readonly #now = new Map<string, number>()
  #second = 0

  count(kind: string): void {
    const second = Math.floor(performance.now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#now.clear()
    }
    const count = (this.#now.get(kind) ?? 0) + 1
    this.#now.set(kind, count)
    if (count > (this.#most.get(kind) ?? 0)) this.#most.set(kind, count)
  }

  get busiestSecond(): BusiestSecond {
    return Object.fromEntries(this.#most)
  }
}

/** The same transport, counted. */
export function counted(transport: Transport, traffic: Traffic): Transport {
  return intercepted(transport, {
    onConnect: ({ host, port }) => traffic.count(`connect ${host}:${port}`),
    send: (request, connection) => {
      traffic.count(request.apiName)
      return connection.send(request)
    }
  })
}
