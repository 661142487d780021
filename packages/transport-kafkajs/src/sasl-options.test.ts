import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { kafkajsTransport } from './kafkajs-transport.ts'

const brokers = ['localhost:9092']
const username = 'me'
const password = 'hunter2'

test.each([
  [{ sasl: 'plain' }, 'CONFIG_INVALID', /'sasl' must be an object/],
  [{ sasl: { username, password } }, 'CONFIG_INVALID', /'sasl.mechanism' is missing.*'scram-sha-512'/],
  [{ sasl: { mechanism: 'scram-512', username, password } }, 'CONFIG_INVALID', /'scram-512'.*must be 'plain'/],
  [{ sasl: { mechanism: 'plain', userName: username, password } }, 'CONFIG_UNKNOWN_OPTION', /Did you mean 'username'/],
  [{ sasl: { mechanism: 'plain', username } }, 'CONFIG_INVALID', /'sasl.password'.*is missing/],
  [{ sasl: { mechanism: 'plain', username, password: '' } }, 'CONFIG_INVALID', /'sasl.password'.*empty/],
  [
    { sasl: { mechanism: 'SCRAM-SHA-256', username: 5, password } },
    'CONFIG_INVALID',
    /'sasl.username'.*must be a string/
  ],
  [{ sasl: { mechanism: 'oauthbearer', token: password } }, 'CONFIG_UNKNOWN_OPTION', /'token'/],
  [{ sasl: { mechanism: 'oauthbearer' } }, 'CONFIG_INVALID', /'sasl.oauthBearerProvider'.*must be a function/],
  [{ ssl: 'yes' }, 'CONFIG_INVALID', /'ssl' must be true, false/],
  [{ ssl: { cert: password, key: password } }, 'CONFIG_INVALID', /The options in 'ssl' cannot be used/]
])('%o are refused, without a secret in the error', (options, code, message) => {
  let failure: unknown
  try {
    kafkajsTransport({ brokers, ...options } as never)
  } catch (error) {
    failure = error
  }
  expect(failure).toMatchObject({ code, message: expect.stringMatching(message) })
  expect(inspect(failure, { depth: 20, showHidden: true })).not.toContain(password)
})

test.each([
  { sasl: { mechanism: 'SCRAM-SHA-512', username, password } },
  { sasl: { mechanism: 'aws', authorizationIdentity: 'a', accessKeyId: 'b', secretAccessKey: 'c', sessionToken: 'd' } },
  { sasl: { mechanism: 'custom', authenticationProvider: () => ({ authenticate: async () => {} }) } },
  { ssl: true },
  { ssl: { rejectUnauthorized: true, servername: 'kafka' } }
])('%o are accepted', options => {
  expect(() => kafkajsTransport({ brokers, ...options } as never)).not.toThrow()
})
