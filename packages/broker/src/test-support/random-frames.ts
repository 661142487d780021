import { type Api, encodeRequest, encodeRequestHeader, flexibleRequest, ZERO_UUID } from '@millrace/protocol'
import { HANDLERS } from '../handlers/index.ts'
import { batchOf } from '../log/test-support/log-rig.ts'
import { seededRandom } from './seeded-random.ts'

type Fields = Api['request']

export const TOPICS = ['a', 'b', 'c']
const TEXTS = [
  ...TOPICS,
  '',
  'group',
  'id',
  'consumer',
  'range',
  '__consumer_offsets',
  'cleanup.policy',
  'compact',
  '7'
]
const NUMBERS = [0, 0, 0, 1, 1, 2, 3, 5, 60_000, -1, -1, -2, -3, -4]

/**
 * Frames from a seed: requests with values that often exist, as they are, cut off or with bytes changed, and bytes of
 * any kind.
 */
export class RandomFrames {
  readonly #random: () => number
  readonly #nowMs: number

  constructor(seed: number, nowMs: number) {
    this.#random = seededRandom(seed)
    this.#nowMs = nowMs
  }

  below(n: number): number {
    return Math.floor(this.#random() * n)
  }

  chance(probability: number): boolean {
    return this.#random() < probability
  }

  next(): Buffer {
    if (this.chance(0.1)) return this.#bytes(this.below(100))
    const { api } = this.#oneOf(HANDLERS)
    const version = this.chance(0.02) ? this.below(20) : this.#versionOf(api)
    const frame = frameOf(api, version, this.#bodyOf(api, version))
    if (this.chance(0.4)) {
      for (let changes = 1 + this.below(4); changes > 0; changes--) {
        // The size is changed rarely: what follows a wrong one is only waited for.
        const at = this.chance(0.05) ? this.below(4) : 4 + this.below(frame.length - 4)
        frame[at] = this.below(256)
      }
    }
    if (!this.chance(0.2)) return frame
    const cut = frame.subarray(0, this.below(frame.length))
    // Also one that says that it ends here.
    if (cut.length >= 4 && this.chance(0.7)) cut.writeInt32BE(cut.length - 4)
    return cut
  }

  #bodyOf(api: Api, version: number): Buffer {
    if (this.chance(0.2)) return this.#bytes(this.below(60))
    try {
      return encodeRequest(api, version, this.#struct(api.request) as never)
    } catch {
      // A version that does not exist.
      return this.#bytes(this.below(60))
    }
  }

  #versionOf({ minVersion, maxVersion }: Api): number {
    return minVersion + this.below(maxVersion - minVersion + 1)
  }

  #struct(fields: Fields): Record<string, unknown> {
    return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, this.#value(field)]))
  }

  #value({ type, options, element, fields }: Fields[string]): unknown {
    // Only where each version allows it.
    if (options.nullable && options.nullableFrom === undefined && this.chance(0.1)) return null
    if (type === 'struct') return this.#struct(fields as Fields)
    if (type === 'array') return Array.from({ length: this.below(3) }, () => this.#value(element as Fields[string]))
    if (type === 'bool') return this.chance(0.5)
    if (type === 'string') return this.#oneOf(TEXTS)
    if (type === 'uuid') return ZERO_UUID
    if (type === 'bigint64') return BigInt(this.#oneOf(NUMBERS))
    if (type === 'bytes') return this.#bytes(this.below(20))
    if (type === 'records') return this.#records()
    if (type === 'int8' || type === 'int16') return this.below(4) - 1
    return this.#oneOf(NUMBERS)
  }

  #records(): Buffer {
    const producer = {
      producerId: BigInt(this.below(5) - 1),
      producerEpoch: this.below(3),
      baseSequence: this.below(4),
      transactional: this.chance(0.3)
    }
    const batch = batchOf([{}, {}], this.#nowMs, this.chance(0.5) ? producer : {})
    if (this.chance(0.3)) batch[this.below(batch.length)] = this.below(256)
    return batch
  }

  #bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)))
  }

  #oneOf<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T
  }
}

function frameOf(api: Api, version: number, body: Buffer): Buffer {
  const header = { apiKey: api.key, apiVersion: version, correlationId: 5, clientId: 'test' }
  const frame = Buffer.concat([Buffer.alloc(4), encodeRequestHeader(header, flexibleRequest(api, version)), body])
  frame.writeInt32BE(frame.length - 4)
  return frame
}
