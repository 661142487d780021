// Sessions that end (KIP-368) while an application is at work.
import { connect as connectSocket, type Socket } from 'node:net'
import { test } from 'vitest'
import { password, to, token, unsignedToken } from './connections.ts'
import { type Connection, countingApp, countsUpTo, LogLines, openCluster, readCounts } from './counting-app.ts'
import { SESSION_MS } from './secured-kafka.ts'

const WORDS = ['a', 'b', 'c', 'd', 'e']
/** So often sessions have to be renewed under load: the application has a handful of connections. */
const RENEWALS = 12

const SASL_HANDSHAKE = 17

/** Sees the renewals of sessions: every SaslHandshake of a connection after its first. */
class Wiretap {
  readonly #renewals = new Map<Socket, number>()

  readonly socketFactory: NonNullable<Connection['socketFactory']> = ({ host, port, onConnect }) => {
    const socket = connectSocket({ host, port }, onConnect)
    const write = socket.write.bind(socket)
    socket.write = (bytes: Uint8Array | string, ...rest: never[]) => {
      const frame = typeof bytes === 'string' ? Buffer.from(bytes, 'binary') : Buffer.from(bytes)
      // A whole request; those of the application leave as header and body.
      const whole = frame.length > 6 && frame.readInt32BE(0) === frame.length - 4
      if (whole && frame.readInt16BE(4) === SASL_HANDSHAKE) {
        this.#renewals.set(socket, (this.#renewals.get(socket) ?? -1) + 1)
      }
      return write(bytes, ...rest)
    }
    return socket
  }

  /** Of all connections, since `restart`. */
  get count(): number {
    return this.#renewals.values().reduce((sum, count) => sum + count, 0)
  }

  restart(): void {
    for (const socket of this.#renewals.keys()) this.#renewals.set(socket, 0)
  }
}

test.concurrent.for<[string, () => Connection]>([
  ['OAUTHBEARER', () => to('OAUTH', { sasl: token() })],
  ['OAUTHBEARER with tokens that expire', () => to('OAUTH', { sasl: token(shortToken) })],
  ['PLAIN', () => to('SHORT', { sasl: password('plain') })],
  ['SCRAM-SHA-512', () => to('SHORT', { sasl: password('scram-sha-512') })]
])(
  '%s: an application works on over several sessions, and loses and doubles nothing',
  async ([, connection], { expect }) => {
    await using cluster = await openCluster()
    await cluster.createTopics(2, 'in', 'out')
    const logger = new LogLines()
    const wiretap = new Wiretap()
    const app = countingApp(cluster, { ...connection(), socketFactory: wiretap.socketFactory }, logger)
    const states: string[] = []
    app.onStateChange(state => states.push(state))
    await app.start()
    await expect.poll(() => app.state, { timeout: 60_000 }).toBe('RUNNING')
    wiretap.restart()

    let rounds = 0
    while (wiretap.count < RENEWALS) {
      rounds++
      await cluster.produce(
        'in',
        Array.from({ length: 50 }, (_, i) => ({ key: `k${i % 7}`, value: WORDS[i % 5] as string }))
      )
    }
    const expected = countsUpTo(WORDS, rounds * 10)
    await expect.poll(() => readCounts(cluster, 'last-stable'), { timeout: 60_000, interval: 200 }).toEqual(expected)
    await app.close()
    expect(await readCounts(cluster)).toEqual(expected)

    expect(states).toEqual(['REBALANCING', 'RUNNING', 'PENDING_SHUTDOWN', 'NOT_RUNNING'])
    expect(logger.ofLevel('warn', 'error')).toEqual([])
  }
)

/** Ends before the broker's limit would. */
function shortToken(): string {
  return unsignedToken('alice', SESSION_MS * 0.75)
}
