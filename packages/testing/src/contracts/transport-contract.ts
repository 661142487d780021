import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import type { BrokerAddress, Connection, RequestFrame, Transport } from '@millrace/client'
import { afterEach, describe, expect, test } from 'vitest'
import { ScriptedBroker } from './scripted-broker.ts'

export interface TransportContractOptions {
  /** Of the adapter, for the test report. */
  readonly name: string
  /** A transport whose bootstrap addresses are these, with a connection time-out of at least a second. */
  open(brokers: readonly string[]): Transport
  /** `host:port` of a broker that answers ApiVersions and Metadata, for the cases that need a real one. */
  readonly kafka?: string | undefined
  /** Cases that the adapter cannot pass, each with the reason. */
  readonly skip?: Readonly<Record<string, string>>
}

/** What every Transport must do, as vitest tests: call it once in the adapter's test file. */
export function transportContract({ name, open, kafka, skip = {} }: TransportContractOptions): void {
  const closing: (() => Promise<void>)[] = []
  const cases = new Set<string>()

  function check(title: string, run: () => Promise<void>): void {
    cases.add(title)
    const reason = skip[title]
    const label = reason === undefined ? title : `${title} (skipped: ${reason})`
    test.skipIf(reason !== undefined)(label, run)
  }

  async function serve(onRequest: Parameters<typeof ScriptedBroker.listen>[0]): Promise<ScriptedBroker> {
    const broker = await ScriptedBroker.listen(onRequest)
    closing.push(() => broker.close())
    return broker
  }

  async function connect(address: string): Promise<Connection> {
    const transport = open([address])
    const [broker] = await transport.bootstrap()
    const connection = await transport.connect(broker as BrokerAddress)
    closing.push(() => connection.close())
    return connection
  }

  describe(`Transport: ${name}`, () => {
    afterEach(async () => {
      // Connections first: a server waits for its clients.
      for (const close of closing.splice(0).reverse()) await close()
    })

    check('gives the addresses to begin with', async () => {
      expect(await open(['a.example:9092', '127.0.0.1:19092']).bootstrap()).toMatchObject([
        { host: 'a.example', port: 9092 },
        { host: '127.0.0.1', port: 19092 }
      ])
    })

    check('sends what it is given behind a request header and yields what is behind the response header', async () => {
      const broker = await serve(request => request.answer(Buffer.from('answer')))
      const connection = await connect(broker.address)
      expect(connection.connected).toBe(true)
      const answer = await connection.send(frame({ apiKey: 3, apiVersion: 8, body: Buffer.from('question') }))
      expect(answer.toString()).toBe('answer')
      expect(broker.received[0]).toMatchObject({ apiKey: 3, apiVersion: 8, rest: Buffer.from('question') })
    })

    check(
      'puts empty tagged fields into a flexible request header and takes them off a flexible response header',
      async () => {
        const broker = await serve(request => request.answer(Buffer.from([0, 7, 8])))
        const connection = await connect(broker.address)
        const both = await connection.send(
          frame({ body: Buffer.from([1, 2]), flexibleRequest: true, flexibleResponse: true })
        )
        expect(broker.received[0]?.rest).toEqual(Buffer.from([0, 1, 2]))
        expect([...both]).toEqual([7, 8])
        // As ApiVersions: the request's header is flexible, the response's is not.
        const request = await connection.send(frame({ body: Buffer.from([3]), flexibleRequest: true }))
        expect(broker.received[1]?.rest).toEqual(Buffer.from([0, 3]))
        expect([...request]).toEqual([0, 7, 8])
      }
    )

    check('gives each connection its own socket', async () => {
      const broker = await serve(request => request.answer(Buffer.of(request.sequence)))
      const [first, second] = [await connect(broker.address), await connect(broker.address)]
      expect([...(await first.send(frame({})))]).toEqual([1])
      expect([...(await second.send(frame({})))]).toEqual([1])
      expect(broker.connectionCount).toBe(2)
    })

    check('sends without waiting for answers, in the order of the calls, and matches answers to requests', async () => {
      const held: (() => void)[] = []
      const broker = await serve(request => {
        held.push(() => request.answer(Buffer.concat([Buffer.from('re:'), request.rest])))
        if (held.length === 50) for (const answer of held) answer()
      })
      const connection = await connect(broker.address)
      const sent = Array.from({ length: 50 }, (_, index) => `request ${index}`)
      const answers = await Promise.all(sent.map(text => connection.send(frame({ body: Buffer.from(text) }))))
      expect(broker.received.map(({ rest }) => rest.toString())).toEqual(sent)
      expect(answers.map(String)).toEqual(sent.map(text => `re:${text}`))
    })

    check('carries requests and answers of several megabytes whole', async () => {
      const big = Buffer.alloc(3_000_000, index(251))
      const broker = await serve(request => request.answer(request.rest))
      const connection = await connect(broker.address)
      const [small, large, after] = await Promise.all([
        connection.send(frame({ body: Buffer.from('small') })),
        connection.send(frame({ body: big })),
        connection.send(frame({ body: Buffer.from('after') }))
      ])
      expect(small.toString()).toBe('small')
      expect(large.equals(big)).toBe(true)
      expect(after.toString()).toBe('after')
    })

    check(
      'gives up a request that is not answered in time and closes the connection, failing those behind it',
      async () => {
        const broker = await serve(() => {})
        const connection = await connect(broker.address)
        const first = outcome(connection.send(frame({ apiName: 'Heartbeat', timeoutMs: 50 })))
        const second = outcome(connection.send(frame({ timeoutMs: 60_000 })))
        expect(await first).toMatchObject({ code: 'CLIENT_REQUEST_TIMED_OUT', action: 'retry' })
        expect((await first).message).toContain('Heartbeat')
        expect(await second).toMatchObject({ code: 'CLIENT_REQUEST_FAILED' })
        expect(connection.connected).toBe(false)
        await broker.disconnected()
      }
    )

    check('fails all pending requests when the broker cuts the connection', async () => {
      const broker = await serve(request => {
        if (request.sequence === 3) request.cut()
      })
      const connection = await connect(broker.address)
      const failures = await Promise.all([1, 2, 3].map(() => outcome(connection.send(frame({ apiName: 'Produce' })))))
      for (const failure of failures) {
        expect(failure).toMatchObject({ code: 'CLIENT_REQUEST_FAILED', action: 'retry' })
        expect(failure.message).toContain('Produce')
        expect(failure.message).toContain(broker.address)
      }
      expect(connection.connected).toBe(false)
      expect(await outcome(connection.send(frame({})))).toMatchObject({ code: 'CLIENT_REQUEST_FAILED' })
    })

    check('fails all pending requests when it is closed, and closes only once', async () => {
      const broker = await serve(() => {})
      const connection = await connect(broker.address)
      const pending = outcome(connection.send(frame({})))
      await Promise.all([connection.close(), connection.close()])
      expect(await pending).toMatchObject({ code: 'CLIENT_REQUEST_FAILED' })
      expect(connection.connected).toBe(false)
      await connection.close()
      expect(await outcome(connection.send(frame({})))).toMatchObject({ code: 'CLIENT_REQUEST_FAILED' })
      await broker.disconnected()
    })

    check('names host and port of a broker that refuses the connection', async () => {
      const port = await freePort()
      const failure = await outcome(connect(`127.0.0.1:${port}`))
      expect(failure).toMatchObject({
        code: 'CLIENT_CONNECT_FAILED',
        action: 'retry',
        details: { host: '127.0.0.1', port }
      })
      expect(failure.message).toContain(`127.0.0.1:${port}`)
      expect(failure.message).toContain('ECONNREFUSED')
      expect(failure.cause).toBeDefined()
    })

    check('names a host that cannot be resolved', async () => {
      const failure = await outcome(connect('no-such-host.invalid:9092'))
      expect(failure).toMatchObject({ code: 'CLIENT_CONNECT_FAILED' })
      expect(failure.message).toContain('no-such-host.invalid:9092')
    })

    if (kafka !== undefined) {
      check('talks to a real broker, in flexible and non-flexible versions', async () => {
        const connection = await connect(kafka)
        // ApiVersions v0: error code, then an array of (key, min, max).
        const versions = await connection.send(frame({ apiKey: 18, apiVersion: 0, apiName: 'ApiVersions' }))
        expect(versions.readInt16BE(0)).toBe(0)
        expect(versions.length).toBe(6 + 6 * versions.readInt32BE(2))
        // Metadata v9, no topics: throttle time, then a compact array of at least one broker.
        const metadata = await connection.send(
          frame({
            apiKey: 3,
            apiVersion: 9,
            apiName: 'Metadata',
            body: Buffer.from([1, 0, 0, 0, 0]),
            flexibleRequest: true,
            flexibleResponse: true
          })
        )
        expect(metadata.readInt32BE(0)).toBe(0)
        expect(metadata[4]).toBeGreaterThan(1)
      })
    }

    test('is asked to skip only cases that exist', () => {
      expect(Object.keys(skip).filter(title => !cases.has(title))).toEqual([])
    })
  })
}

function frame(fields: Partial<RequestFrame>): RequestFrame {
  return {
    apiKey: 3,
    apiVersion: 1,
    apiName: 'Metadata',
    body: Buffer.alloc(0),
    flexibleRequest: false,
    flexibleResponse: false,
    timeoutMs: 10_000,
    ...fields
  }
}

type Failure = Error & { readonly code: string }

/** The error of a promise that must be rejected. */
async function outcome(promise: Promise<unknown>): Promise<Failure> {
  return await promise.then(
    () => {
      throw new Error('it succeeded, but should have failed')
    },
    (error: Failure) => error
  )
}

/** Bytes that repeat at a period which is no power of two, so that a shift by one chunk shows. */
function index(period: number): Buffer {
  return Buffer.from(Array.from({ length: period }, (_, byte) => byte))
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
