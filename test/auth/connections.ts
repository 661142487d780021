import { inject } from 'vitest'
import type { Connection } from './counting-app.ts'
import { type ListenerName, PASSWORDS } from './secured-kafka.ts'

const b64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token that nobody has signed, for `subject`: brokers believe it when they are configured for tests alone. */
export function unsignedToken(subject: string, lifetimeMs: number): string {
  const nowSeconds = Date.now() / 1000
  return `${b64({ alg: 'none' })}.${b64({ sub: subject, iat: nowSeconds, exp: nowSeconds + lifetimeMs / 1000 })}.`
}

export function to(listener: ListenerName, options: Omit<Connection, 'brokers'> = {}): Connection {
  return { brokers: [inject('secured').address[listener]], ...options }
}

export function tls(): { readonly ca: string } {
  return { ca: inject('secured').authority }
}

export function password(
  mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512',
  username: keyof typeof PASSWORDS = 'alice'
) {
  return { mechanism, username, password: PASSWORDS[username] } as NonNullable<Connection['sasl']>
}

export function token(provide = () => unsignedToken('alice', 3_600_000)): NonNullable<Connection['sasl']> {
  return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: provide() }) }
}
