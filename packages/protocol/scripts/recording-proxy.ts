import { createServer, connect as openSocket, type Socket } from 'node:net'

/** One request with its answer, as they went over the wire, without the size in front. */
export interface Exchange {
  readonly apiKey: number
  readonly apiVersion: number
  readonly request: Buffer
  readonly response: Buffer
}

export interface ProxyOptions {
  readonly brokerHost: string
  readonly brokerPort: number
  /** Highest version that clients may see per API key; they then speak no newer one. */
  readonly maxVersions: ReadonlyMap<number, number>
  /** Hide the broker's features, as a broker of before transactions v2 would. */
  readonly hideFeatures: boolean
}

export interface RecordingProxy {
  readonly port: number
  readonly exchanges: readonly Exchange[]
  close(): Promise<void>
}

const API_VERSIONS = 18

/**
 * Stands between a client and a broker and keeps every frame as the broker or the client sent it. What it passes on
 * differs in two places, patched as bytes so that nothing recorded depends on our own codec: the broker's port becomes
 * the proxy's, and ApiVersions is capped.
 */
export async function startRecordingProxy(options: ProxyOptions): Promise<RecordingProxy> {
  const exchanges: Exchange[] = []
  const sockets = new Set<Socket>()
  const server = createServer(client => {
    const broker = openSocket(options.brokerPort, options.brokerHost)
    const waiting = new Map<number, { apiKey: number; apiVersion: number; request: Buffer }>()
    eachFrame(client, request => {
      const correlationId = request.readInt32BE(4)
      waiting.set(correlationId, { apiKey: request.readInt16BE(0), apiVersion: request.readInt16BE(2), request })
      broker.write(framed(request))
    })
    eachFrame(broker, response => {
      const asked = waiting.get(response.readInt32BE(0))
      if (asked === undefined) throw new Error('an answer to no request')
      waiting.delete(response.readInt32BE(0))
      exchanges.push({ ...asked, response })
      let passed = replacePort(response, options.brokerHost, options.brokerPort, port)
      if (asked.apiKey === API_VERSIONS) passed = capVersions(passed, asked.apiVersion, options)
      client.write(framed(passed))
    })
    for (const [socket, other] of [
      [client, broker],
      [broker, client]
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => other.destroy())
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const port = address.port
  return {
    port,
    exchanges,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise(resolve => server.close(() => resolve()))
    }
  }
}

function eachFrame(socket: Socket, take: (frame: Buffer) => void): void {
  let pending = Buffer.alloc(0)
  socket.on('data', chunk => {
    pending = Buffer.concat([pending, chunk as Buffer])
    while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
      const end = 4 + pending.readInt32BE(0)
      take(Buffer.from(pending.subarray(4, end)))
      pending = pending.subarray(end)
    }
  })
}

function framed(frame: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(frame.length)
  return Buffer.concat([size, frame])
}

/** Wherever a message names the broker, the host is followed by its port as an int32. */
function replacePort(frame: Buffer, host: string, from: number, to: number): Buffer {
  const copy = Buffer.from(frame)
  const wanted = Buffer.concat([Buffer.from(host), int32(from)])
  for (let at = copy.indexOf(wanted); at >= 0; at = copy.indexOf(wanted, at + 1)) {
    copy.writeInt32BE(to, at + host.length)
  }
  return copy
}

/** ApiVersions: correlation id, error code, then the list: int32 count and 6 bytes each, or compact count and 7. */
function capVersions(frame: Buffer, version: number, options: ProxyOptions): Buffer {
  const compact = version >= 3
  const count = compact ? frame.readUInt8(6) - 1 : frame.readInt32BE(6)
  if (compact && count > 126) throw new Error('more APIs than one byte counts')
  let at = compact ? 7 : 10
  for (let i = 0; i < count; i++) {
    const cap = options.maxVersions.get(frame.readInt16BE(at))
    if (cap !== undefined && cap < frame.readInt16BE(at + 4)) frame.writeInt16BE(cap, at + 4)
    at += compact ? 7 : 6
  }
  if (!compact || !options.hideFeatures) return frame
  const tagsAt = at + 4
  const bare = Buffer.from(frame.subarray(0, tagsAt + 1))
  bare.writeUInt8(0, tagsAt)
  return bare
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
