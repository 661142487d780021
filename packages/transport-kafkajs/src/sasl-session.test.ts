import { inspect } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { closing, connect, frame, lengthPrefixed, saslBroker, serve } from './test-support/scripted-kafka.ts'

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

test('an error names broker, user and mechanism, and holds no password anywhere', async () => {
  const broker = await serve(saslBroker({}))
  const failure = await connect(broker, { sasl: { ...sasl, password: 'hunter2' } }).catch((error: unknown) => error)
  expect(failure).toMatchObject({ details: { broker: broker.address, mechanism: 'PLAIN', user: 'user' } })
  expect(String(failure)).toContain("user 'user' with SASL PLAIN")
  expect(inspect(failure, { depth: 20, showHidden: true })).not.toContain('hunter2')
})

test('a connection that breaks while authenticating may be tried again', async () => {
  const broker = await serve(saslBroker({ authenticate: () => undefined }))
  await expect(connect(broker, { sasl })).rejects.toMatchObject({ code: 'CLIENT_CONNECT_FAILED', action: 'retry' })
})

test('a token that never comes is waited for no longer than authenticationTimeout', async () => {
  const broker = await serve(saslBroker({ mechanisms: ['OAUTHBEARER'] }))
  const connecting = connect(broker, {
    sasl: { mechanism: 'oauthbearer', oauthBearerProvider: () => new Promise(() => {}) },
    authenticationTimeout: 50
  })
  await expect(connecting).rejects.toMatchObject({ code: 'CLIENT_CONNECT_FAILED' })
  await broker.disconnected()
})

test('a listener that wants SASL closes the connection of whoever has none, and the error says so', async () => {
  const broker = await serve(request => request.cut())
  const connection = await connect(broker, {})
  await expect(connection.send(frame())).rejects.toThrow(/Does its listener want 'sasl'\?/)
})

describe('a session', () => {
  test('is renewed when nine tenths of it are over, holding requests back in their order', async () => {
    const broker = await serve(saslBroker({ sessionLifetimeMs: 10_000 }))
    const turnClock = stopClock()
    const connection = await connect(broker, { sasl })
    turnClock(8_900)
    await connection.send(frame())
    turnClock(200)
    const bodies = ['first', 'second', 'third']
    await Promise.all(bodies.map(body => connection.send({ ...frame(), body: Buffer.from(body) })))
    expect(broker.received.map(({ apiKey }) => apiKey)).toEqual([18, 17, 36, 3, 17, 36, 3, 3, 3])
    expect(broker.received.slice(-3).map(({ rest }) => rest.toString())).toEqual(bodies)
  })

  test('is not renewed with every request where it is shorter than reauthenticationThreshold', async () => {
    const broker = await serve(saslBroker({ sessionLifetimeMs: 5_000 }))
    const turnClock = stopClock()
    const connection = await connect(broker, { sasl, reauthenticationThreshold: 10_000 })
    await connection.send(frame())
    turnClock(2_600)
    await connection.send(frame())
    await connection.send(frame())
    expect(broker.received.map(({ apiKey }) => apiKey)).toEqual([18, 17, 36, 3, 17, 36, 3, 3])
  })

  test('whose renewal is refused fails what waits for it', async () => {
    const passwords = ['right', 'changed']
    const broker = await serve(saslBroker({ sessionLifetimeMs: 5_000, password: () => passwords.shift() ?? '' }))
    const turnClock = stopClock()
    const connection = await connect(broker, { sasl })
    turnClock(5_000)
    await expect(connection.send(frame())).rejects.toMatchObject({ code: 'CLIENT_AUTHENTICATION_FAILED' })
    expect(connection.connected).toBe(false)
  })

  test('whose renewal breaks with its broker may go on elsewhere', async () => {
    const verdicts = [{}]
    const broker = await serve(saslBroker({ sessionLifetimeMs: 5_000, authenticate: () => verdicts.shift() }))
    const turnClock = stopClock()
    const connection = await connect(broker, { sasl })
    turnClock(5_000)
    await expect(connection.send(frame())).rejects.toMatchObject({ action: 'retry' })
    expect(connection.connected).toBe(false)
  })
})

describe('OAUTHBEARER', () => {
  const mechanism = 'oauthbearer' as const
  const mechanisms = ['OAUTHBEARER']

  test('sends token and extensions as RFC 7628 has them', async () => {
    const messages: string[] = []
    const authenticate = (message: string) => {
      messages.push(message)
      return {}
    }
    const broker = await serve(saslBroker({ mechanisms, authenticate }))
    const token = { value: 'abc', extensions: { tenant: 'one' } }
    const connection = await connect(broker, { sasl: { mechanism, oauthBearerProvider: async () => token } })
    expect(messages).toEqual(['n,,\u0001auth=Bearer abc\u0001tenant=one\u0001\u0001'])
    expect([...(await connection.send(frame()))]).toEqual([42])
  })

  test('takes a challenge for the refusal that it is', async () => {
    const broker = await serve(
      saslBroker({
        mechanisms,
        authenticate: message =>
          message === '\u0001' ? { error: '{"status":"invalid_token"}' } : { challenge: '{"status":"invalid_token"}' }
      })
    )
    const failure = await connect(broker, {
      sasl: { mechanism, oauthBearerProvider: async () => ({ value: 'abc-secret' }) }
    }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'CLIENT_AUTHENTICATION_FAILED', details: { mechanism: 'OAUTHBEARER' } })
    expect(String(failure)).toContain('invalid_token')
    expect(inspect(failure, { depth: 20, showHidden: true })).not.toContain('abc-secret')
  })

  test.each([
    ['threw: token server is down', () => Promise.reject(new Error('token server is down'))],
    ['returned no token', async () => ({ value: '' })]
  ])('a provider that %s may be asked again', async (text, oauthBearerProvider) => {
    const broker = await serve(saslBroker({ mechanisms }))
    const failure = await connect(broker, { sasl: { mechanism, oauthBearerProvider } }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'CLIENT_CONNECT_FAILED', action: 'retry' })
    expect(String(failure)).toContain(`'sasl.oauthBearerProvider' ${text}`)
  })
})

/** Stops the clock by which sessions end. */
function stopClock(): (byMs: number) => void {
  vi.useFakeTimers({ toFake: ['hrtime'] })
  closing.push(async () => void vi.useRealTimers())
  return byMs => void vi.advanceTimersByTime(byMs)
}
