import { once } from 'node:events'
import { type AddressInfo, connect as connectSocket, createServer } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { kafkajsTransport } from './kafkajs-transport.ts'
import { closing, connect, frame, serve } from './test-support/scripted-kafka.ts'

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

  test('that a function knows none of at present are a failed connection, which is tried again', async () => {
    let brokers: string[] = []
    const transport = kafkajsTransport({ brokers: async () => brokers })
    await expect(transport.bootstrap()).rejects.toMatchObject({ code: 'CLIENT_CONNECT_FAILED', action: 'retry' })
    brokers = ['a:1']
    expect(await transport.bootstrap()).toEqual([{ host: 'a', port: 1 }])
  })

  test('that a function gives and that are none are told at once', async () => {
    for (const brokers of [['localhost'], undefined, 'localhost:9092']) {
      const transport = kafkajsTransport({ brokers: async () => brokers as string[] })
      await expect(transport.bootstrap()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    }
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

test('a port that speaks another protocol is told apart from a broker', async () => {
  const server = createServer(socket => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const connection = await connect({ address }, {})
    await expect(connection.send(frame())).rejects.toThrow(
      /announced an answer of 1213486160 bytes, which no Kafka broker/
    )
  } finally {
    server.close()
  }
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

  test('a request may wait for longer than a timer of Node can', async () => {
    const broker = await serve(request => request.answer(Buffer.of(7)))
    const connection = await connect(broker, {})
    const armed = watchTimers()
    expect([...(await connection.send({ ...frame(), timeoutMs: 2 ** 31 + 5_000 }))]).toEqual([7])
    expect(armed()).toEqual([2 ** 31 - 1])
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

/** The delays of all timers armed from now on. */
function watchTimers(): () => (number | undefined)[] {
  const spy = vi.spyOn(globalThis, 'setTimeout')
  closing.push(async () => spy.mockRestore())
  return () => spy.mock.calls.map(([, delayMs]) => delayMs)
}
