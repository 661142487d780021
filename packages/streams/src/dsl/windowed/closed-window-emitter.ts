import type {
  Change,
  Headers,
  NodeState,
  ProcessorContext,
  TimestampedWindowStore,
  Windowed
} from '../../core/index.ts'
import { NO_TIME } from './aggregate-functions.ts'

/**
 * Emits the windows that closed since the last time, in order of (start, key), once each.
 *
 * @see Kafka Streams `AbstractKStreamTimeWindowAggregateProcessor#maybeForwardFinalResult`
 */
export class ClosedWindowEmitter<K, A> {
  private readonly context: ProcessorContext<Windowed<K>, Change<A>>
  private readonly store: TimestampedWindowStore<K, A>
  /** Survives restarts: a window is emitted once. */
  private readonly lastClosedUpTo: NodeState

  constructor(context: ProcessorContext<Windowed<K>, Change<A>>, store: TimestampedWindowStore<K, A>) {
    this.context = context
    this.store = store
    this.lastClosedUpTo = context.nodeState('closedUpTo', NO_TIME)
  }

  /** Windows that had ended by then, grace taken off, were emitted; `NO_TIME` before the first emission. */
  get closedUpToMs(): number {
    return this.lastClosedUpTo.value
  }

  /** Emits the windows that start in [fromStartMs, toStartMs], with the headers of the record that closed them. */
  emit(fromStartMs: number, toStartMs: number, closedUpToMs: number, headers: Headers): void {
    const cursor = this.store.windowsByTime(fromStartMs, toStartMs)
    while (cursor.next()) {
      const { key } = cursor
      const { value, timestampMs } = cursor.value
      this.context.forward({ key, value: { before: null, after: value, isLatest: true }, timestampMs, headers })
    }
    this.lastClosedUpTo.value = closedUpToMs
  }
}
