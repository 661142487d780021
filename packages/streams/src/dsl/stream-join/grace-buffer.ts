import type {
  Headers,
  NodeState,
  OrderedKeyValueStore,
  ProcessorContext,
  RecordMetadata,
  Serde,
  StreamRecord
} from '../../core/index.ts'

/** Ordered by time, then key, then arrival. */
export interface BufferedKey<K> {
  readonly timestampMs: number
  readonly key: K
  readonly sequence: number
}

export interface BufferedRecord<V> {
  readonly value: V
  readonly timestampMs: number
  readonly headers: Headers
  /** Where it came from; written for tools, not read back. */
  readonly metadata: RecordMetadata | undefined
}

const KEY_AT = 9
const SEQUENCE_BYTES = 4
const MAX_SEQUENCE = 0x7fff_ffff

/**
 * Records of a stream that wait until the table they are to be joined with has caught up.
 *
 * @see Kafka Streams `RocksDBTimeOrderedKeyValueBuffer`
 */
export class GraceBuffer<K, V> {
  private readonly store: OrderedKeyValueStore<BufferedKey<K>, BufferedRecord<V>>
  private readonly graceMs: number
  private readonly context: ProcessorContext<any, any>
  private readonly observed: NodeState
  private readonly sequence: NodeState
  /** Nothing waits below this time. Not committed: after a restart it is found by looking. */
  private minMs = -1

  constructor(context: ProcessorContext<any, any>, storeName: string, graceMs: number) {
    this.context = context
    this.store = context.getStateStore(storeName)
    this.graceMs = graceMs
    this.observed = context.nodeState('observed-time', -1)
    this.sequence = context.nodeState('sequence', 0)
  }

  /** False, and nothing is held, when the record is too late to wait. */
  put({ key, value, timestampMs, headers }: StreamRecord<K, V>): boolean {
    if (timestampMs < this.observed.value - this.graceMs) return false
    if (timestampMs > this.observed.value) this.observed.value = timestampMs
    if (timestampMs < this.minMs) this.minMs = timestampMs
    this.sequence.value = this.sequence.value === MAX_SEQUENCE ? 0 : this.sequence.value + 1
    const held = { value, timestampMs, headers, metadata: this.context.recordMetadata() }
    this.store.put({ timestampMs, key, sequence: this.sequence.value }, held)
    return true
  }

  /** Hands over what has waited long enough. */
  evict(emit: (record: StreamRecord<K, V>) => void): void {
    const dueMs = this.observed.value - this.graceMs
    if (this.minMs > dueMs) return
    const rows = this.store.cursor()
    while (rows.next()) {
      const row = rows.key
      this.minMs = row.timestampMs
      if (row.timestampMs > dueMs) return
      const { value, timestampMs, headers } = rows.value
      this.store.put(row, null)
      emit({ key: row.key, value, timestampMs, headers })
    }
    this.minMs = Number.MAX_SAFE_INTEGER
  }
}

/**
 *     0, timestamp (8), key, sequence (4)
 *
 * @see Kafka Streams `PrefixedWindowKeySchemas.TimeFirstWindowKeySchema`
 */
export function bufferedKeySerde<K>(inner: Serde<K>): Serde<BufferedKey<K>> {
  return {
    name: `buffered-key(${inner.name})`,
    prepare: (context, use) => inner.prepare?.(context, use),
    serialize({ timestampMs, key, sequence }, context) {
      const keyBytes = inner.serialize(key, context)
      const bytes = Buffer.allocUnsafe(KEY_AT + keyBytes.length + SEQUENCE_BYTES)
      bytes[0] = 0
      bytes.writeBigInt64BE(BigInt(timestampMs), 1)
      bytes.set(keyBytes, KEY_AT)
      bytes.writeInt32BE(sequence, KEY_AT + keyBytes.length)
      return bytes
    },
    deserialize(given, context) {
      const bytes = view(given)
      const keyEnd = bytes.length - SEQUENCE_BYTES
      return {
        timestampMs: Number(bytes.readBigInt64BE(1)),
        key: inner.deserialize(bytes.subarray(KEY_AT, keyEnd), context),
        sequence: bytes.readInt32BE(keyEnd)
      }
    }
  }
}

const NULL_LENGTH = -1

/**
 *     timestamp (8), offset (8), topic, partition (4), count of headers (4), per header: name, value,
 *     -1 (4), -1 (4), value, 0 (8)
 *
 * Topic, names and values have their length before them, -1 for null.
 *
 * @see Kafka Streams `BufferValue`, `ProcessorRecordContext#serialize`
 */
export function bufferedRecordSerde<V>(inner: Serde<V>): Serde<BufferedRecord<V>> {
  return {
    name: `buffered-record(${inner.name})`,
    prepare: (context, use) => inner.prepare?.(context, use),
    serialize({ value, timestampMs, headers, metadata }, context) {
      return Buffer.concat([
        int64(timestampMs),
        int64(metadata?.offset ?? -1),
        ...sized(Buffer.from(metadata?.topic ?? '')),
        int32(metadata?.partition ?? -1),
        int32(headers.length),
        ...headers.flatMap(([name, bytes]) => [...sized(Buffer.from(name)), ...sized(bytes)]),
        int32(NULL_LENGTH),
        int32(NULL_LENGTH),
        ...sized(inner.serialize(value, context)),
        int64(0)
      ])
    },
    deserialize(given, context) {
      const bytes = view(given)
      let at = 16
      const part = (): Buffer | null => {
        const length = bytes.readInt32BE(at)
        const start = at + 4
        at = start + Math.max(0, length)
        return length < 0 ? null : bytes.subarray(start, at)
      }
      part()
      const count = bytes.readInt32BE(at + 4)
      at += 8
      const headers: [string, Uint8Array | null][] = []
      for (let i = 0; i < count; i++) {
        const name = String(part())
        const value = part()
        headers.push([name, value === null ? null : new Uint8Array(value)])
      }
      at += 8
      const value = inner.deserialize(part() as Buffer, context)
      return { value, timestampMs: Number(bytes.readBigInt64BE(0)), headers, metadata: undefined }
    }
  }
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}

function sized(bytes: Uint8Array | null): Uint8Array[] {
  return bytes === null ? [int32(NULL_LENGTH)] : [int32(bytes.length), bytes]
}

function view(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
