import {
  type Change,
  type Processor,
  type ProcessorContext,
  type StreamRecord,
  type TimestampedWindowStore,
  UNLIMITED_END_MS,
  type UnlimitedWindows,
  type Windowed
} from '../../core/index.ts'
import { ChangeForwarder } from '../table/change-forwarder.ts'
import type { AggregateFunctions } from './aggregate-functions.ts'

/**
 * Aggregates the one window that never closes, so there is no time to keep and nothing is late.
 *
 * @see Kafka Streams `KStreamWindowAggregate`
 */
export class UnlimitedWindowProcessor<K, V, A> implements Processor<K, V, Windowed<K>, Change<A>> {
  private readonly storeName: string
  private readonly windows: UnlimitedWindows
  private readonly functions: AggregateFunctions<K, V, A>
  private readonly sendsOldValues: boolean
  private context!: ProcessorContext<Windowed<K>, Change<A>>
  private store!: TimestampedWindowStore<K, A>
  private forwarder!: ChangeForwarder<Windowed<K>, A>

  constructor(
    storeName: string,
    windows: UnlimitedWindows,
    functions: AggregateFunctions<K, V, A>,
    sendsOldValues: boolean
  ) {
    this.storeName = storeName
    this.windows = windows
    this.functions = functions
    this.sendsOldValues = sendsOldValues
  }

  init(context: ProcessorContext<Windowed<K>, Change<A>>): void {
    this.context = context
    this.store = context.getStateStore(this.storeName)
    this.forwarder = new ChangeForwarder(context, this.store, this.sendsOldValues)
  }

  process(record: StreamRecord<K, V>): void {
    const { key, value, headers } = record
    const { startMs } = this.windows
    if (key === null) {
      this.context.drop('null-key')
      return
    }
    // In no window at all; Kafka Streams does not count it as dropped either.
    if (record.timestampMs < startMs) return
    const stored = this.store.fetchOne(key, startMs)
    const before = stored === undefined ? this.functions.initializer() : stored.value
    const after = this.functions.aggregator(key, value, before) ?? null
    const timestampMs = stored === undefined ? record.timestampMs : Math.max(record.timestampMs, stored.timestampMs)
    const isStored = this.store.put(key, after, startMs, timestampMs, headers)
    this.forwarder.forward({ key, startMs, endMs: UNLIMITED_END_MS }, before, after, timestampMs, headers, isStored)
  }
}
