import type { RequestFrame } from '@millrace/client'

/**
 * Size, then request header: api key, api version, correlation id, client id, and in version 2 an empty section of
 * tagged fields. The client id keeps its old, non-compact form in version 2.
 */
export function encodeRequestHeader(request: RequestFrame, correlationId: number, clientId: string): Buffer {
  const clientIdBytes = Buffer.byteLength(clientId)
  const headerBytes = 10 + clientIdBytes + (request.flexibleRequest ? 1 : 0)
  // Held until the answer is there, which is long: a part of Node's shared pool would keep all of that alive meanwhile.
  const out = Buffer.allocUnsafeSlow(4 + headerBytes)
  out.writeInt32BE(headerBytes + request.body.length, 0)
  out.writeInt16BE(request.apiKey, 4)
  out.writeInt16BE(request.apiVersion, 6)
  out.writeInt32BE(correlationId, 8)
  out.writeInt16BE(clientIdBytes, 12)
  out.write(clientId, 14)
  if (request.flexibleRequest) out[4 + headerBytes - 1] = 0
  return out
}
