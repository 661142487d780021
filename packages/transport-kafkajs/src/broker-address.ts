import type { BrokerAddress } from '@millrace/client'
import { StreamsError } from '@millrace/streams/core'

/** Reads `host:port`, also `[::1]:9092`. @throws StreamsError `CONFIG_INVALID` */
export function parseBrokerAddress(text: string): BrokerAddress {
  const match = typeof text === 'string' ? /^(?:\[([^\]]+)\]|([^:\s/]+)):(\d{1,5})$/.exec(text.trim()) : null
  const port = Number(match?.[3])
  if (match === null || port < 1 || port > 65_535) {
    throw new StreamsError('CONFIG_INVALID', `Broker '${text}' is not of the form host:port.`, {
      details: { broker: text }
    })
  }
  return { host: (match[1] ?? match[2]) as string, port }
}
