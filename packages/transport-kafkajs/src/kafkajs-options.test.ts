import { connect as connectSocket } from 'node:net'
import type { BrokerAddress, Connection, RequestFrame } from '@millrace/client'
import { type ReceivedRequest, ScriptedBroker } from '@millrace/testing/contracts'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type KafkajsTransportOptions, kafkajsTransport } from './kafkajs-transport.ts'

const closing: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

describe('brokers', () => {
  test('may be a function, which is asked each time', async () => {
    let calls = 0
    const transport = kafkajsTransport({ brokers: () => [`broker-${++calls}:9092`] })
    expect(await transport.bootstrap()).toEqual([{ host: 'broker-1', port: 9092 }])
    expect(await transport.bootstrap()).toEqual([{ host: 'broker-2', port: 9092 }])
  })

  test('that cannot be found out are a failed connection, with the cause', async () => {
    const cause = new Error('registry is down')
    const transport = kafkajsTransport({ brokers: () => Promise.reject(cause) })
    await expect(transport.bootstrap()).rejects.toMatchObject({ code: 'CLIENT_CONNECT_FAILED', cause })
  })

  test.each([[[]], [['localhost']], [['localhost:0']], [['localhost:99999']], [['http://localhost:9092']]])(
    '%j are refused before anything is sent',
    brokers => {
      expect(() => kafkajsTransport({ brokers })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    }
  )

  test('may be IPv6 addresses in brackets', async () => {
    expect(await kafkajsTransport({ brokers: ['[::1]:9092'] }).bootstrap()).toEqual([{ host: '::1', port: 9092 }])
  })
})

describe('options of new Kafka()', () => {
  test('clientId and socketFactory reach the connection', async () => {
    const broker = await serve(request => request.answer(Buffer.of(1)))
    const asked: unknown[] = []
    const connection = await connect(broker, {
      clientId: 'me',
      socketFactory: ({ host, port, onConnect }) => {
        asked.push([host, port])
        return connectSocket({ host, port }, onConnect)
      }
    })
    await connection.send(frame())
    expect(asked).toEqual([['127.0.0.1', broker.port]])
    expect(broker.received[0]?.clientId).toBe('me')
  })

  test('a socket that its maker destroys fails what is pending', async () => {
    const broker = await serve(() => {})
    let destroy = (): void => {}
    const connection = await connect(broker, {
      socketFactory: ({ host, port, onConnect }) => {
        const socket = connectSocket({ host, port }, onConnect)
        destroy = () => socket.destroy()
        return socket
      }
    })
    const sent = connection.send(frame())
    destroy()
    await expect(sent).rejects.toMatchObject({ code: 'CLIENT_REQUEST_FAILED' })
  })

  test('connectionTimeout ends a connection that is never accepted', async () => {
    const broker = await serve(() => {})
    const attempt = connect(broker, {
      connectionTimeout: 50,
      // Connects, but never says so.
      socketFactory: ({ host, port }) => connectSocket({ host, port })
    })
    await expect(attempt).rejects.toMatchObject({ code: 'CLIENT_CONNECT_FAILED' })
    await broker.disconnected()
  })

  test('enforceRequestTimeout: false lets a request wait', async () => {
    const broker = await serve(request => request.answer(Buffer.of(7)))
    const connection = await connect(broker, { enforceRequestTimeout: false })
    const armed = watchTimers()
    expect([...(await connection.send({ ...frame(), timeoutMs: 1 }))]).toEqual([7])
    expect(armed()).toEqual([])
  })

  test('requestTimeout and retry become the defaults of the cluster', () => {
    const retry = { initialRetryTime: 10, maxRetryTime: 200 }
    expect(kafkajsTransport({ brokers: ['a:1'], requestTimeout: 5, retry }).defaults).toEqual({
      requestTimeoutMs: 5,
      reconnectBackoffMs: 10,
      maxReconnectBackoffMs: 200
    })
  })

  test('logLevel and logCreator get what kafkajs has to say', async () => {
    const lines: string[] = []
    const broker = await serve(request => request.answer(Buffer.of(1)))
    await connect(broker, { logLevel: 5, logCreator: () => entry => void lines.push(entry.log.message) })
    expect(lines).toContain('Connecting')
  })

  test('an idle connection arms no timer', async () => {
    const broker = await serve(request => request.answer(Buffer.of(1)))
    const connection = await connect(broker, {})
    const armed = watchTimers()
    await connection.send(frame())
    // The request's own time-out, cancelled with its answer.
    expect(armed()).toEqual([10_000])
  })
})

describe('SASL', () => {
  const sasl = { mechanism: 'plain' as const, username: 'user', password: 'right' }

  test('authenticates before the first request', async () => {
    const broker = await serve(saslBroker({}))
    const connection = await connect(broker, { sasl })
    expect([...(await connection.send(frame()))]).toEqual([42])
    expect(broker.received.map(({ apiKey }) => apiKey)).toEqual([18, 17, 36, 3])
  })

  test('leaves the options of the user as they are', async () => {
    const broker = await serve(saslBroker({}))
    await connect(broker, { sasl })
    expect(Object.keys(sasl)).toEqual(['mechanism', 'username', 'password'])
  })

  test('says that credentials are refused, not that they may work later', async () => {
    const broker = await serve(saslBroker({}))
    const failure = await connect(broker, { sasl: { ...sasl, password: 'wrong' } }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'CLIENT_AUTHENTICATION_FAILED', action: 'stop' })
    expect(String(failure)).toContain(broker.address)
    expect(String(failure)).toContain('invalid credentials')
    await broker.disconnected()
  })

  test('names a mechanism that the broker lacks', async () => {
    const broker = await serve(saslBroker({ mechanisms: ['GSSAPI'] }))
    await expect(connect(broker, { sasl })).rejects.toMatchObject({ code: 'CLIENT_AUTHENTICATION_FAILED' })
    await expect(connect(broker, { sasl })).rejects.toThrow(/PLAIN/)
  })

  test('a broker that is silent while authenticating is a failed connection', async () => {
    const broker = await serve(request => {
      if (request.apiKey === 18) saslBroker({})(request)
    })
    await expect(connect(broker, { sasl, authenticationTimeout: 50 })).rejects.toMatchObject({
      code: 'CLIENT_CONNECT_FAILED',
      action: 'retry'
    })
    await broker.disconnected()
  })

  test('takes an authentication provider of the user', async () => {
    const broker = await serve(saslBroker({ mechanisms: ['CUSTOM'] }))
    const connection = await connect(broker, {
      sasl: {
        mechanism: 'custom',
        authenticationProvider: ({ saslAuthenticate }) => ({
          authenticate: async () => {
            await saslAuthenticate({ request: { encode: () => lengthPrefixed(Buffer.from('\0user\0right')) } })
          }
        })
      }
    })
    expect([...(await connection.send(frame()))]).toEqual([42])
  })

  test('renews the session before it ends, holding requests back in their order', async () => {
    // The session lasts as long as the threshold before its end: each request finds it due.
    const broker = await serve(saslBroker({ sessionLifetimeMs: 5000 }))
    const connection = await connect(broker, { sasl, reauthenticationThreshold: 5000 })
    const bodies = ['first', 'second', 'third']
    await Promise.all(bodies.map(body => connection.send({ ...frame(), body: Buffer.from(body) })))
    expect(broker.received.map(({ apiKey }) => apiKey)).toEqual([18, 17, 36, 17, 36, 3, 3, 3])
    expect(broker.received.slice(-3).map(({ rest }) => rest.toString())).toEqual(bodies)
  })

  test('a session that cannot be renewed fails what waits for it', async () => {
    const passwords = ['right', 'changed']
    const broker = await serve(saslBroker({ sessionLifetimeMs: 5000, password: () => passwords.shift() ?? '' }))
    const connection = await connect(broker, { sasl, reauthenticationThreshold: 5000 })
    await expect(connection.send(frame())).rejects.toMatchObject({ code: 'CLIENT_AUTHENTICATION_FAILED' })
    expect(connection.connected).toBe(false)
  })
})

async function serve(onRequest: (request: ReceivedRequest) => void): Promise<ScriptedBroker> {
  const broker = await ScriptedBroker.listen(onRequest)
  closing.push(() => broker.close())
  return broker
}

async function connect(broker: ScriptedBroker, options: Partial<KafkajsTransportOptions>): Promise<Connection> {
  const transport = kafkajsTransport({ brokers: [broker.address], ...options })
  const [address] = await transport.bootstrap()
  const connection = await transport.connect(address as BrokerAddress)
  closing.push(() => connection.close())
  return connection
}

function frame(): RequestFrame {
  return {
    apiKey: 3,
    apiVersion: 1,
    apiName: 'Metadata',
    body: Buffer.alloc(0),
    flexibleRequest: false,
    flexibleResponse: false,
    timeoutMs: 10_000
  }
}

/** Answers ApiVersions, SaslHandshake and SaslAuthenticate (PLAIN), and 42 to everything else. */
function saslBroker(options: {
  readonly mechanisms?: readonly string[]
  readonly sessionLifetimeMs?: number
  readonly password?: () => string
}): (request: ReceivedRequest) => void {
  const { mechanisms = ['PLAIN'], sessionLifetimeMs = 0, password = () => 'right' } = options
  return request => {
    switch (request.apiKey) {
      case 18:
        return request.answer(
          Buffer.concat([int16(0), int32(3), apiRange(18, 0, 2), apiRange(17, 0, 1), apiRange(36, 0, 1), int32(0)])
        )
      case 17:
        return request.answer(Buffer.concat([int16(0), int32(mechanisms.length), ...mechanisms.map(string)]))
      case 36: {
        const accepted = request.rest.subarray(4).toString() === `\0user\0${password()}`
        const verdict = accepted ? [int16(0), int16(-1)] : [int16(58), string('invalid credentials')]
        return request.answer(Buffer.concat([...verdict, int32(0), int32(0), int32(sessionLifetimeMs)]))
      }
      default:
        return request.answer(Buffer.of(42))
    }
  }
}

function apiRange(key: number, min: number, max: number): Buffer {
  return Buffer.concat([int16(key), int16(min), int16(max)])
}

function int16(value: number): Buffer {
  const out = Buffer.alloc(2)
  out.writeInt16BE(value)
  return out
}

function int32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeInt32BE(value)
  return out
}

function string(value: string): Buffer {
  return Buffer.concat([int16(value.length), Buffer.from(value)])
}

function lengthPrefixed(bytes: Buffer): Buffer {
  return Buffer.concat([int32(bytes.length), bytes])
}

/** The delays of all timers armed from now on. */
function watchTimers(): () => (number | undefined)[] {
  const spy = vi.spyOn(globalThis, 'setTimeout')
  closing.push(async () => spy.mockRestore())
  return () => spy.mock.calls.map(([, delayMs]) => delayMs)
}
