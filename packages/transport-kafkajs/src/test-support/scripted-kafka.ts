import type { BrokerAddress, Connection, RequestFrame } from '@millrace/client'
import { type ReceivedRequest, ScriptedBroker } from '@millrace/testing/contracts'
import { afterEach } from 'vitest'
import { type KafkajsTransportOptions, kafkajsTransport } from '../kafkajs-transport.ts'

/** What the test that runs has opened. */
export const closing: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

export async function serve(onRequest: (request: ReceivedRequest) => void): Promise<ScriptedBroker> {
  const broker = await ScriptedBroker.listen(onRequest)
  closing.push(() => broker.close())
  return broker
}

export async function connect(
  broker: Pick<ScriptedBroker, 'address'>,
  options: Partial<KafkajsTransportOptions>
): Promise<Connection> {
  const transport = kafkajsTransport({ brokers: [broker.address], ...options })
  const [address] = await transport.bootstrap()
  const connection = await transport.connect(address as BrokerAddress)
  closing.push(() => connection.close())
  return connection
}

export function frame(): RequestFrame {
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

export interface SaslBrokerOptions {
  readonly mechanisms?: readonly string[]
  readonly sessionLifetimeMs?: number
  readonly password?: () => string
  /** In place of checking a password: the verdict over what came, and bytes of the mechanism. Undefined cuts the connection. */
  readonly authenticate?: (message: string) => { readonly error?: string; readonly challenge?: string } | undefined
}

/** Answers ApiVersions, SaslHandshake and SaslAuthenticate (PLAIN), and 42 to everything else. */
export function saslBroker(options: SaslBrokerOptions): (request: ReceivedRequest) => void {
  const { mechanisms = ['PLAIN'], sessionLifetimeMs = 0, password = () => 'right' } = options
  const checkPassword: NonNullable<SaslBrokerOptions['authenticate']> = message =>
    message === `\0user\0${password()}` ? {} : { error: 'invalid credentials' }
  const authenticate = options.authenticate ?? checkPassword
  return request => {
    switch (request.apiKey) {
      case 18:
        return request.answer(
          Buffer.concat([int16(0), int32(3), apiRange(18, 0, 2), apiRange(17, 0, 1), apiRange(36, 0, 1), int32(0)])
        )
      case 17:
        return request.answer(Buffer.concat([int16(0), int32(mechanisms.length), ...mechanisms.map(string)]))
      case 36: {
        const verdict = authenticate(request.rest.subarray(4).toString())
        if (verdict === undefined) return request.cut()
        const { error, challenge = '' } = verdict
        return request.answer(
          Buffer.concat([
            ...(error === undefined ? [int16(0), int16(-1)] : [int16(58), string(error)]),
            lengthPrefixed(Buffer.from(challenge)),
            int32(0),
            int32(sessionLifetimeMs)
          ])
        )
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

export function lengthPrefixed(bytes: Buffer): Buffer {
  return Buffer.concat([int32(bytes.length), bytes])
}
