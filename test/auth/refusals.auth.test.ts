// Each way of not being let in: the application ends with an error that says what to mend, and never with a secret.
import { inspect } from 'node:util'
import { isStreamsError } from 'millrace'
import { inject, test } from 'vitest'
import { CertificateAuthority } from './certificate-authority.ts'
import { password, tls, to, token, unsignedToken } from './connections.ts'
import { type Connection, countingApp, LogLines, openCluster } from './counting-app.ts'
import { PASSWORDS } from './secured-kafka.ts'

const stranger = new CertificateAuthority('Nobody you know')
const WRONG = 'wrong-sEcret-3'
const EXPIRED_TOKEN = unsignedToken('alice', -3_600_000)

interface Case {
  readonly what: string
  readonly connection: () => Connection
  readonly message: RegExp
  readonly details?: object
}

const wrongPassword = (mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'): Case => ({
  what: `a wrong password with ${mechanism}`,
  connection: () => to('SASL', { sasl: { ...password(mechanism), password: WRONG } as Connection['sasl'] & object }),
  message: new RegExp(
    `^Broker 127.0.0.1:\\d+ refused user 'alice' with SASL ${mechanism.toUpperCase()}: .*invalid`,
    'i'
  ),
  details: { user: 'alice', mechanism: mechanism.toUpperCase() }
})

const CASES: readonly Case[] = [
  {
    what: 'a broker of another authority',
    connection: () => to('TLS', { ssl: { ca: stranger.cert } }),
    message: /^The certificate of broker 127.0.0.1:\d+ is not accepted: .* as 'ssl.ca'/
  },
  {
    what: 'a broker whose certificate names another host',
    connection: () => to('OTHERHOST', { ssl: tls() }),
    message: /is not accepted: .*altnames.* Use a host of the certificate in 'brokers'/,
    details: { tlsError: 'ERR_TLS_CERT_ALTNAME_INVALID' }
  },
  {
    what: 'a broker whose certificate has expired',
    connection: () => to('EXPIRED', { ssl: tls() }),
    message: /is not accepted: certificate has expired.* Renew the broker's certificate/,
    details: { tlsError: 'CERT_HAS_EXPIRED' }
  },
  {
    what: 'no client certificate where one is wanted',
    connection: () => to('MUTUAL', { ssl: tls() }),
    message: /^Broker 127.0.0.1:\d+ does not accept this client's certificate, or wants one .*'ssl.cert' and 'ssl.key'/
  },
  {
    what: 'no client certificate where one is wanted, with TLS 1.2',
    connection: () => to('MUTUAL', { ssl: { ...tls(), maxVersion: 'TLSv1.2' } }),
    message: /does not accept this client's certificate, or wants one/
  },
  {
    what: 'a client certificate of another authority',
    connection: () => to('MUTUAL', { ssl: { ...tls(), ...stranger.issue({ name: 'alice' }) } }),
    message: /does not accept this client's certificate/
  },
  wrongPassword('plain'),
  wrongPassword('scram-sha-256'),
  wrongPassword('scram-sha-512'),
  {
    what: 'a wrong password over TLS',
    connection: () => to('SASLTLS', { ssl: tls(), sasl: { mechanism: 'plain', username: 'alice', password: WRONG } }),
    message: /refused user 'alice' with SASL PLAIN/
  },
  {
    what: 'a mechanism that the listener does not offer',
    connection: () => to('PLAINONLY', { sasl: password('scram-sha-512') }),
    message: /^Broker 127.0.0.1:\d+ does not offer SASL SCRAM-SHA-512 on this listener/
  },
  {
    what: 'SASL where there is none',
    connection: () => ({ brokers: [inject('secured').brokers], sasl: password('plain') }),
    message: /expects no SASL exchange on this listener.* Leave 'sasl' out/
  },
  {
    what: 'a token that has expired',
    connection: () => to('OAUTH', { sasl: token(() => EXPIRED_TOKEN) }),
    message: /^Broker 127.0.0.1:\d+ refused this client with SASL OAUTHBEARER: .*invalid_token/,
    details: { mechanism: 'OAUTHBEARER' }
  }
]

test.concurrent.for(CASES)('$what ends the application', async ({ connection, message, details }, { expect }) => {
  await using cluster = await openCluster()
  await cluster.createTopics(1, 'in', 'out')
  const logger = new LogLines()
  const app = countingApp(cluster, connection(), logger)
  const failure: unknown = await app.run({ until: 'end' }).then(
    () => undefined,
    (error: unknown) => error
  )
  expect(isStreamsError(failure)).toBe(true)
  expect(failure).toMatchObject({
    code: 'CLIENT_AUTHENTICATION_FAILED',
    action: 'stop',
    message: expect.stringMatching(message),
    ...(details === undefined ? {} : { details })
  })
  expect(app.state).toBe('ERROR')

  const said = [inspect(failure, { depth: 20, showHidden: true }), ...logger.lines].join('\n')
  for (const secret of [WRONG, ...Object.values(PASSWORDS), EXPIRED_TOKEN]) expect(said).not.toContain(secret)
})
