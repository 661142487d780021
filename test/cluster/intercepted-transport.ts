import type { BrokerAddress, Connection, RequestFrame, Transport } from '@millrace/client'

export interface Interception {
  readonly onConnect?: (broker: BrokerAddress) => void
  readonly send: (request: RequestFrame, connection: Connection, broker: BrokerAddress) => Promise<Buffer>
}

/** The same transport, whose requests go through `send`. */
export function intercepted(transport: Transport, { onConnect, send }: Interception): Transport {
  return {
    defaults: transport.defaults ?? {},
    bootstrap: () => transport.bootstrap(),
    async connect(broker) {
      onConnect?.(broker)
      const connection = await transport.connect(broker)
      return {
        get connected() {
          return connection.connected
        },
        send: request => send(request, connection, broker),
        close: () => connection.close()
      }
    }
  }
}
