import {
  deserializeRange,
  isStreamsError,
  type Serde,
  type SerdeContext,
  StreamsError,
  serialized,
  serializeInto
} from '../core/index.ts'
import { writeLatin1 } from './latin1.ts'

/** The serdes of one store, bound to its changelog topic; failures name the store. */
export class StoreCodec<K, V> {
  private readonly storeName: string
  private readonly keySerde: Serde<K>
  private readonly valueSerde: Serde<V>
  private readonly keyContext: SerdeContext
  private readonly valueContext: SerdeContext
  private scratch = Buffer.allocUnsafe(1024)

  constructor(storeName: string, key: Serde<K>, value: Serde<V>, topic: string) {
    this.storeName = storeName
    this.keySerde = key
    this.valueSerde = value
    this.keyContext = { topic, isKey: true }
    this.valueContext = { topic, isKey: false }
  }

  encodeKey(key: K): Uint8Array {
    try {
      return serialized(this.keySerde.serialize(key, this.keyContext))
    } catch (error) {
      throw this.serializeError('key', this.keySerde, key, error)
    }
  }

  /** As `encodeKey`, to `buffer` from `at` on: returns where it ends there, or its bytes. */
  encodeKeyInto(key: K, buffer: Buffer, at: number): number | Uint8Array {
    try {
      return serializeInto(this.keySerde, key, buffer, at, this.keyContext)
    } catch (error) {
      throw this.serializeError('key', this.keySerde, key, error)
    }
  }

  encodeValue(value: V): Uint8Array {
    try {
      return serialized(this.valueSerde.serialize(value, this.valueContext))
    } catch (error) {
      throw this.serializeError('value', this.valueSerde, value, error)
    }
  }

  /** `text` holds the bytes as latin1; the key is in [start, end). */
  decodeKey(text: string, start: number, end: number): K {
    const length = end - start
    if (this.scratch.length < length) this.scratch = Buffer.allocUnsafe(2 * length)
    writeLatin1(this.scratch, start === 0 && end === text.length ? text : text.slice(start, end), 0)
    return this.decode('key', this.keySerde, this.keyContext, this.scratch, 0, length)
  }

  decodeValue(bytes: Uint8Array, offset: number, end = bytes.length): V {
    const length = end - offset
    if (bytes instanceof Buffer) {
      return this.decode('value', this.valueSerde, this.valueContext, bytes, offset, end)
    }
    if (this.scratch.length < length) this.scratch = Buffer.allocUnsafe(2 * length)
    this.scratch.set(bytes.subarray(offset, end), 0)
    return this.decode('value', this.valueSerde, this.valueContext, this.scratch, 0, length)
  }

  private decode<T>(
    part: string,
    serde: Serde<T>,
    context: SerdeContext,
    bytes: Buffer,
    start: number,
    end: number
  ): T {
    try {
      return deserializeRange(serde, bytes, start, end, context)
    } catch (error) {
      if (isStreamsError(error, 'SERDE_NOT_READY')) throw error
      throw new StreamsError(
        'RECORD_DESERIALIZE_FAILED',
        `Store '${this.storeName}' holds a ${part} of ${end - start} bytes that serde '${serde.name}' cannot read. ` +
          'Give the store the serde it was written with, or reset the application.',
        { cause: error, details: { store: this.storeName, serde: serde.name, part } }
      )
    }
  }

  private serializeError(part: string, serde: { readonly name: string }, value: unknown, cause: unknown): StreamsError {
    if (isStreamsError(cause, 'SERDE_NOT_READY')) return cause
    return new StreamsError(
      'RECORD_SERIALIZE_FAILED',
      `Serde '${serde.name}' cannot write a ${part} of type ${typeof value} for store '${this.storeName}'. ` +
        'Give the store a serde that fits its types.',
      { cause, details: { store: this.storeName, serde: serde.name, part } }
    )
  }
}
