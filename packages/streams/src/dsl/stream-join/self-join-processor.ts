import type {
  Headers,
  JoinWindows,
  NodeState,
  Processor,
  ProcessorContext,
  StreamRecord,
  WindowStore
} from '../../core/index.ts'
import type { StreamJoiner } from './stream-join-processor.ts'

/**
 * Joins a stream with itself over one store, with the results and in the order of a join over two. Each record matches itself,
 * so inner, left and outer joins are the same; as in Kafka Streams, null keys and records too late to be stored give nothing.
 *
 * @see Kafka Streams `KStreamKStreamSelfJoin`
 */
export class SelfJoinProcessor<K, V, VR> implements Processor<K, V, K, VR> {
  private readonly storeName: string
  private readonly windows: JoinWindows
  private readonly joiner: StreamJoiner<K, V, V, VR>
  private context!: ProcessorContext<K, VR>
  private store!: WindowStore<K, V>
  private streamTime!: NodeState

  constructor(storeName: string, windows: JoinWindows, joiner: StreamJoiner<K, V, V, VR>) {
    this.storeName = storeName
    this.windows = windows
    this.joiner = joiner
  }

  init(context: ProcessorContext<K, VR>): void {
    this.context = context
    this.store = context.getStateStore(this.storeName)
    this.streamTime = context.nodeState('stream-time', -1)
  }

  process(record: StreamRecord<K, V>): void {
    const { key, value, timestampMs, headers } = record
    if (value === null || key === null) {
      this.context.drop('null-key-or-value')
      return
    }
    if (timestampMs > this.streamTime.value) this.streamTime.value = timestampMs
    const { beforeMs, afterMs } = this.windows
    for (const { windowStartMs, value: other } of this.near(key, timestampMs, beforeMs, afterMs)) {
      this.forward(key, value, other, Math.max(timestampMs, windowStartMs), headers)
    }
    let meetsItself = timestampMs > this.streamTime.value - this.store.retentionMs + 1
    for (const { windowStartMs, value: other } of this.near(key, timestampMs, afterMs, beforeMs)) {
      if (meetsItself && windowStartMs > timestampMs) {
        meetsItself = false
        this.forward(key, value, value, timestampMs, headers)
      }
      this.forward(key, other, value, Math.max(timestampMs, windowStartMs), headers)
    }
    if (meetsItself) this.forward(key, value, value, timestampMs, headers)
  }

  private near(key: K, timestampMs: number, beforeMs: number, afterMs: number) {
    return this.store.fetchRange(key, Math.max(0, timestampMs - beforeMs), Math.max(0, timestampMs + afterMs))
  }

  private forward(key: K, left: V, right: V, timestampMs: number, headers: Headers): void {
    const value = (this.joiner(left, right, key) ?? null) as VR
    this.context.forward({ key, value, timestampMs, headers })
  }
}
