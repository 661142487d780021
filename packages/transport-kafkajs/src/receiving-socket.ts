import { connect as connectNet, isIP } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { ISocketFactory } from 'kafkajs'

/** One read of the kernel's, at most. */
const RECEIVE_BYTES = 64 * 1024
const KEEP_ALIVE_DELAY_MS = 60_000

/**
 * As kafkajs's own socket factory, but what arrives is read into one buffer and passed to `receive`, which must keep no view of it: a
 * socket's 'data' event brings a new buffer of 64 KiB for every read, which a busy consumer has the collector clear away.
 */
export function receivingSocketFactory(receive: (chunk: Buffer) => void): ISocketFactory {
  return ({ host, port, ssl, onConnect }) => {
    const onread = {
      buffer: Buffer.allocUnsafeSlow(RECEIVE_BYTES),
      callback: (bytes: number, buffer: Uint8Array) => {
        receive((buffer as Buffer).subarray(0, bytes))
        return true
      }
    }
    // Node takes onread for TLS too; its types do not know.
    const tls: ConnectionOptions & { onread: typeof onread } = {
      host,
      port,
      onread,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...ssl
    }
    const socket = ssl ? connectTls(tls, onConnect) : connectNet({ host, port, onread }, onConnect)
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS)
    return socket
  }
}
