import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

export interface CertificateOptions {
  /** The subject's common name. */
  readonly name: string
  /** IPv4 addresses and host names that it is for. Default: 127.0.0.1 and localhost. */
  readonly hosts?: readonly string[]
  /** Its last moment. Default: in an hour. */
  readonly notAfterMs?: number
}

/** PEM, as Node and Kafka take it. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

const HOUR_MS = 3_600_000

/**
 * Makes certificates for tests, with EC keys and Node's own signatures: X.509 version 3 as RFC 5280 has it, with the few fields
 * that TLS needs.
 */
export class CertificateAuthority {
  /** Its own certificate, PEM: what clients and brokers are told to trust. */
  readonly cert: string
  readonly #name: string
  readonly #key: KeyObject

  constructor(name: string) {
    const { privateKey, publicKey } = newKeys()
    this.#name = name
    this.#key = privateKey
    const basicConstraints = extension('551d13', sequence(CA_TRUE), true)
    this.cert = this.#sign({ name, publicKey, extensions: [basicConstraints], notAfterMs: Date.now() + HOUR_MS })
  }

  issue({
    name,
    hosts = ['127.0.0.1', 'localhost'],
    notAfterMs = Date.now() + HOUR_MS
  }: CertificateOptions): Certificate {
    const { privateKey, publicKey } = newKeys()
    const alternativeNames = extension('551d11', sequence(...hosts.map(alternativeName)), false)
    return {
      cert: this.#sign({ name, publicKey, extensions: [alternativeNames], notAfterMs }),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    }
  }

  #sign(subject: {
    readonly name: string
    readonly publicKey: KeyObject
    readonly extensions: readonly Buffer[]
    readonly notAfterMs: number
  }): string {
    const algorithm = sequence(objectId(ECDSA_WITH_SHA256))
    // Clocks of broker and test are one: a day before covers all that matters, also for those that have expired.
    const validity = sequence(time(subject.notAfterMs - 24 * HOUR_MS), time(subject.notAfterMs))
    const body = sequence(
      der(0xa0, integer(Buffer.of(2))),
      integer(Buffer.concat([Buffer.of(1), randomBytes(8)])),
      algorithm,
      distinguishedName(this.#name),
      validity,
      distinguishedName(subject.name),
      subject.publicKey.export({ type: 'spki', format: 'der' }),
      der(0xa3, sequence(...subject.extensions))
    )
    const signature = der(0x03, Buffer.of(0), sign('sha256', body, this.#key))
    const base64 = sequence(body, algorithm, signature).toString('base64')
    return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`
  }
}

const ECDSA_WITH_SHA256 = '2a8648ce3d040302'
const COMMON_NAME = '550403'
const CA_TRUE = Buffer.of(0x01, 1, 0xff)

function newKeys() {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

// ── DER ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content)
  let length = Buffer.of(body.length)
  if (body.length > 0xff) length = Buffer.of(0x82, body.length >> 8, body.length & 0xff)
  else if (body.length > 0x7f) length = Buffer.of(0x81, body.length)
  return Buffer.concat([Buffer.of(tag), length, body])
}

function sequence(...content: readonly Uint8Array[]): Buffer {
  return der(0x30, ...content)
}

function integer(bigEndian: Buffer): Buffer {
  return der(0x02, bigEndian)
}

function objectId(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'))
}

function distinguishedName(commonName: string): Buffer {
  return sequence(der(0x31, sequence(objectId(COMMON_NAME), der(0x0c, Buffer.from(commonName)))))
}

/** UTCTime: to the second, with two digits of the year. */
function time(ms: number): Buffer {
  return der(0x17, Buffer.from(`${new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14)}Z`))
}

function extension(idHex: string, value: Buffer, critical: boolean): Buffer {
  return sequence(objectId(idHex), ...(critical ? [Buffer.of(0x01, 1, 0xff)] : []), der(0x04, value))
}

function alternativeName(host: string): Buffer {
  const isAddress = /^[\d.]+$/.test(host)
  return isAddress ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host))
}
