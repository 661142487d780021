// Each way of being let in: an application that is exactly once, and a client without one.
import { inject, test } from 'vitest'
import { password, tls, to, token } from './connections.ts'
import {
  type Connection,
  countingApp,
  countsUpTo,
  LogLines,
  openCluster,
  readCounts,
  roundTrip
} from './counting-app.ts'

const WORDS = ['a', 'b', 'c', 'd', 'e']

test.concurrent.for<[string, () => Connection]>([
  ['TLS', () => to('TLS', { ssl: tls() })],
  ['TLS with a client certificate', () => to('MUTUAL', { ssl: { ...tls(), ...inject('secured').identity } })],
  ['SASL PLAIN', () => to('SASL', { sasl: password('plain') })],
  ['SASL SCRAM-SHA-256', () => to('SASL', { sasl: password('scram-sha-256') })],
  ['SASL SCRAM-SHA-512', () => to('SASL', { sasl: password('scram-sha-512') })],
  ['SASL OAUTHBEARER', () => to('OAUTH', { sasl: token() })],
  ['SASL SCRAM-SHA-512 over TLS', () => to('SASLTLS', { ssl: tls(), sasl: password('scram-sha-512') })],
  ['SASL PLAIN over TLS', () => to('SASLTLS', { ssl: tls(), sasl: password('plain') })]
])('%s carries an application that is exactly once', async ([, connection], { expect }) => {
  await using cluster = await openCluster()
  await cluster.createTopics(2, 'in', 'out')
  await cluster.produce(
    'in',
    Array.from({ length: 100 }, (_, i) => ({ key: `k${i % 7}`, value: WORDS[i % 5] as string }))
  )
  const logger = new LogLines()
  await countingApp(cluster, connection(), logger).run({ until: 'end' })
  expect(await readCounts(cluster)).toEqual(countsUpTo(WORDS, 20))
  expect(logger.ofLevel('warn', 'error')).toEqual([])

  await cluster.createTopics(1, 'plain')
  expect(await roundTrip(connection(), cluster.name('plain'))).toBe('hello')
})
