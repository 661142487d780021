import { connect } from 'node:net'
import * as protocol from '../index.ts'

/** Sends one request over a socket of its own, to the first broker of `KAFKA_BROKERS`. */
export async function askBroker<A extends protocol.Api>(
  api: A,
  version: number,
  body: protocol.RequestOf<A>
): Promise<protocol.ResponseOf<A>> {
  const { KAFKA_BROKERS } = process.env
  if (!KAFKA_BROKERS) throw new Error('Set KAFKA_BROKERS=host:port')
  const [host = '', port = ''] = KAFKA_BROKERS.split(',')[0]!.split(':')
  const flexible = protocol.flexibleRequest(api, version)
  const header = { apiKey: api.key, apiVersion: version, correlationId: 1, clientId: 'fixture' }
  const frame = Buffer.concat([
    Buffer.alloc(4),
    protocol.encodeRequestHeader(header, flexible),
    protocol.encodeRequest(api, version, body)
  ])
  frame.writeInt32BE(frame.length - 4)
  const socket = connect(Number(port), host)
  socket.write(frame)
  let answer = Buffer.alloc(0)
  for await (const chunk of socket) {
    answer = Buffer.concat([answer, chunk])
    if (answer.length >= 4 && answer.length >= 4 + answer.readInt32BE(0)) break
  }
  const { bodyStart } = protocol.decodeResponseHeader(answer.subarray(4), protocol.flexibleResponse(api, version))
  return protocol.decodeResponse(api, version, answer.subarray(4 + bodyStart))
}
