import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Kafka, startKafka } from '../../scripts/kafka-broker.ts'
import { CertificateAuthority } from './certificate-authority.ts'

/** Sessions end after this long, unless they are renewed (KIP-368). */
export const SESSION_MS = 3_000

/** Of the users 'alice' and 'bob', with every mechanism. Alice may do everything, Bob nothing that he was not granted. */
export const PASSWORDS = { alice: 'alice-sEcret-1', bob: 'bob-sEcret-2' } as const

const LISTENERS = {
  TLS: 'SSL',
  MUTUAL: 'SSL',
  EXPIRED: 'SSL',
  OTHERHOST: 'SSL',
  SASL: 'SASL_PLAINTEXT',
  SASLTLS: 'SASL_SSL',
  PLAINONLY: 'SASL_PLAINTEXT',
  OAUTH: 'SASL_PLAINTEXT',
  SHORT: 'SASL_PLAINTEXT'
} as const

export type ListenerName = keyof typeof LISTENERS
export const LISTENER_NAMES = Object.keys(LISTENERS) as readonly ListenerName[]

/**
 * One Apache Kafka with a listener of each kind:
 *
 * - `TLS`; `MUTUAL`, which wants a client certificate; `EXPIRED` and `OTHERHOST`, whose certificates are so
 * - `SASL` and `SASLTLS`: PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512; `PLAINONLY`
 * - `OAUTH`: unsigned tokens, sessions of `SESSION_MS`; `SHORT`: PLAIN and SCRAM with such sessions
 *
 * Its plain listener is for the test: whoever comes that way may do everything.
 */
export class SecuredKafka {
  readonly kafka: Kafka
  /** Has signed the certificates of all listeners. */
  readonly authority: CertificateAuthority

  private constructor(kafka: Kafka, authority: CertificateAuthority) {
    this.kafka = kafka
    this.authority = authority
  }

  static async start(): Promise<SecuredKafka> {
    const authority = new CertificateAuthority('Millrace tests')
    const certificates = await mkdtemp(join(tmpdir(), 'millrace-certificates-'))
    const write = async (name: string, text: string): Promise<string> => {
      const file = join(certificates, `${name}.pem`)
      await writeFile(file, text)
      return file
    }
    try {
      const trusted = await write('authority', authority.cert)
      const identity = async (name: string, options: { hosts?: string[]; notAfterMs?: number } = {}) => {
        const { cert, key } = authority.issue({ name, ...options })
        return { 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': await write(name, key + cert) }
      }
      const good = await identity('broker')
      const truststore = { 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': trusted }
      const passwordMechanisms = {
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
        'plain.sasl.jaas.config': plainUsers(PASSWORDS),
        'scram-sha-256.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
        'scram-sha-512.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
      }
      const kafka = await startKafka({
        listeners: LISTENERS,
        properties: {
          ...ofListener('TLS', good),
          ...ofListener('MUTUAL', { ...good, ...truststore, 'ssl.client.auth': 'required' }),
          ...ofListener('EXPIRED', await identity('expired', { notAfterMs: Date.now() - 60_000 })),
          ...ofListener('OTHERHOST', await identity('otherhost', { hosts: ['kafka.example.com'] })),
          ...ofListener('SASL', passwordMechanisms),
          ...ofListener('SASLTLS', { ...good, ...passwordMechanisms }),
          ...ofListener('PLAINONLY', {
            'sasl.enabled.mechanisms': 'PLAIN',
            'plain.sasl.jaas.config': plainUsers(PASSWORDS)
          }),
          ...ofListener('OAUTH', {
            'sasl.enabled.mechanisms': 'OAUTHBEARER',
            'oauthbearer.sasl.jaas.config':
              'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;',
            'oauthbearer.connections.max.reauth.ms': String(SESSION_MS)
          }),
          ...ofListener('SHORT', {
            ...passwordMechanisms,
            'plain.connections.max.reauth.ms': String(SESSION_MS),
            'scram-sha-512.connections.max.reauth.ms': String(SESSION_MS)
          }),
          // One thread each: there are many listeners, and little to do.
          'num.network.threads': '1',
          'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
          'super.users': 'User:ANONYMOUS;User:alice;User:CN=alice'
        },
        formatArguments: (['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const).flatMap(mechanism =>
          Object.entries(PASSWORDS).map(
            ([name, password]) => `--add-scram=${mechanism}=[name=${name},password=${password}]`
          )
        )
      })
      return new SecuredKafka(kafka, authority)
    } finally {
      // Read by now; PEM stores are only read again when they change.
      await rm(certificates, { recursive: true, force: true })
    }
  }

  /** `host:port` of a listener, for `brokers`. */
  address(listener: ListenerName): string {
    return this.kafka.addressOf(listener)
  }

  async stop(): Promise<void> {
    await this.kafka.stop()
  }
}

function ofListener(name: ListenerName, settings: Readonly<Record<string, string>>): Record<string, string> {
  const prefix = `listener.name.${name.toLowerCase()}.`
  return Object.fromEntries(Object.entries(settings).map(([setting, value]) => [prefix + setting, value]))
}

function plainUsers(users: Readonly<Record<string, string>>): string {
  const list = Object.entries(users).map(([name, password]) => `user_${name}="${password}"`)
  return `org.apache.kafka.common.security.plain.PlainLoginModule required ${list.join(' ')};`
}
