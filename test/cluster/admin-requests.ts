import type { Connection, Transport } from '@millrace/client'

/** A quota: of one client id, or of every one that has none of its own. Undefined removes it. */
export type Quota = Readonly<
  Partial<Record<'producer_byte_rate' | 'consumer_byte_rate' | 'request_percentage', number | undefined>>
>

/** Requests that only whoever looks after a cluster makes; no application needs them. */
export class AdminRequests {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Makes each partition's first replica its leader. @returns the error codes of those that failed. */
  async electPreferredLeaders(): Promise<void> {
    // ElectLeaders: preferred, all partitions, within a time.
    const body = bytes(int8(0), int32(-1), int32(30_000))
    await this.#send(43, 'ElectLeaders', 1, body, false)
  }

  /** Names the replicas of partitions, the preferred leader first. */
  async reassign(topic: string, replicasOf: ReadonlyMap<number, readonly number[]>): Promise<void> {
    const partitions: Buffer[] = []
    for (const [partition, replicas] of replicasOf) {
      partitions.push(int32(partition), compactLength(replicas.length), ...replicas.map(int32), NO_TAGS)
    }
    const body = bytes(
      int32(30_000),
      compactLength(1),
      compactLength(Buffer.byteLength(topic)),
      Buffer.from(topic),
      compactLength(replicasOf.size),
      ...partitions,
      NO_TAGS,
      NO_TAGS
    )
    const answer = await this.#send(45, 'AlterPartitionReassignments', 0, body, true)
    const errorCode = answer.readInt16BE(4)
    if (errorCode !== 0) throw new Error(`The partitions of '${topic}' were not reassigned: error code ${errorCode}.`)
  }

  /** Sets quotas of a client id; null is every client id without quotas of its own. */
  async setQuotas(clientId: string | null, quota: Quota): Promise<void> {
    const operations = Object.entries(quota).map(([key, value]) =>
      bytes(text(key), float64(value ?? 0), int8(value === undefined ? 1 : 0))
    )
    const entity = bytes(int32(1), text('client-id'), clientId === null ? int16(-1) : text(clientId))
    const body = bytes(int32(1), entity, int32(operations.length), ...operations, int8(0))
    const answer = await this.#send(49, 'AlterClientQuotas', 0, body, false)
    const errorCode = answer.readInt16BE(8)
    if (errorCode !== 0) throw new Error(`The quotas were not set: error code ${errorCode}.`)
  }

  async #send(apiKey: number, apiName: string, apiVersion: number, body: Buffer, flexible: boolean): Promise<Buffer> {
    const failures: unknown[] = []
    for (const broker of await this.#transport.bootstrap()) {
      let connection: Connection | undefined
      try {
        connection = await this.#transport.connect(broker)
        const frame = { apiKey, apiName, apiVersion, body, timeoutMs: 30_000 }
        return await connection.send({ ...frame, flexibleRequest: flexible, flexibleResponse: flexible })
      } catch (error) {
        failures.push(error)
      } finally {
        await connection?.close()
      }
    }
    throw new AggregateError(failures, `No broker took ${apiName}.`)
  }
}

const NO_TAGS = Buffer.from([0])
const bytes = (...parts: Buffer[]): Buffer => Buffer.concat(parts)
const int8 = (value: number): Buffer => Buffer.from([value & 0xff])

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2)
  buffer.writeInt16BE(value)
  return buffer
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(value)
  return buffer
}

function float64(value: number): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeDoubleBE(value)
  return buffer
}

const text = (value: string): Buffer => bytes(int16(Buffer.byteLength(value)), Buffer.from(value))
/** Lengths here are below 127, and so are one byte. */
const compactLength = (length: number): Buffer => Buffer.from([length + 1])
