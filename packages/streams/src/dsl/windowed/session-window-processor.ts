import {
  type Change,
  NO_HEADERS,
  type NodeState,
  type Processor,
  type ProcessorContext,
  type SessionStore,
  type SessionWindows,
  type StreamRecord,
  type Windowed
} from '../../core/index.ts'
import { ChangeForwarder } from '../table/change-forwarder.ts'
import { type AggregateFunctions, NO_TIME } from './aggregate-functions.ts'
import type { EmitStrategy } from './emit-strategy.ts'

/**
 * Aggregates sessions: a record is joined with all sessions that are at most the gap away.
 *
 * @see Kafka Streams `KStreamSessionWindowAggregate`
 */
export class SessionWindowProcessor<K, V, A> implements Processor<K, V, Windowed<K>, Change<A>> {
  private readonly storeName: string
  private readonly windows: SessionWindows
  private readonly emits: EmitStrategy
  private readonly functions: AggregateFunctions<K, V, A>
  private readonly sendsOldValues: boolean
  private context!: ProcessorContext<Windowed<K>, Change<A>>
  private store!: SessionStore<K, A>
  /** Undefined where closed sessions are emitted instead. */
  private forwarder: ChangeForwarder<Windowed<K>, A> | undefined
  /** Of this operator, over all keys; it survives restarts, so that a session once closed stays closed. */
  private streamTime!: NodeState
  /** Sessions that ended before this were emitted; survives restarts. */
  private closedUpTo: NodeState | undefined

  constructor(
    storeName: string,
    windows: SessionWindows,
    emits: EmitStrategy,
    functions: AggregateFunctions<K, V, A>,
    sendsOldValues: boolean
  ) {
    this.storeName = storeName
    this.windows = windows
    this.emits = emits
    this.functions = functions
    this.sendsOldValues = sendsOldValues
  }

  init(context: ProcessorContext<Windowed<K>, Change<A>>): void {
    this.context = context
    this.store = context.getStateStore(this.storeName)
    this.streamTime = context.nodeState('streamTime', NO_TIME)
    if (this.emits === 'onWindowClose') this.closedUpTo = context.nodeState('closedUpTo', NO_TIME)
    else this.forwarder = new ChangeForwarder(context, this.store, this.sendsOldValues)
  }

  process(record: StreamRecord<K, V>): void {
    const { key, timestampMs } = record
    if (key === null) {
      this.context.drop('null-key')
      return
    }
    const { gapMs, graceMs } = this.windows
    if (timestampMs > this.streamTime.value) this.streamTime.value = timestampMs
    const closedBeforeMs = this.streamTime.value - graceMs - gapMs

    const sessions = this.store.findSessions(key, Math.max(0, timestampMs - gapMs), timestampMs + gapMs)
    let startMs = timestampMs
    let endMs = timestampMs
    let merged = this.functions.initializer()
    for (const session of sessions) {
      merged = this.functions.merger(key, merged, session.value) ?? null
      if (session.startMs < startMs) startMs = session.startMs
      if (session.endMs > endMs) endMs = session.endMs
    }
    if (endMs < closedBeforeMs) {
      this.context.drop('late')
    } else {
      // Only a session of this one instant is replaced in silence; others are deleted first, also if they stay as they were.
      if (startMs !== timestampMs || endMs !== timestampMs) {
        for (const session of sessions) {
          this.store.remove(key, session.startMs, session.endMs)
          const windowed = { key, startMs: session.startMs, endMs: session.endMs }
          this.forwarder?.forward(windowed, session.value, null, session.endMs, NO_HEADERS)
        }
      }
      const after = this.functions.aggregator(key, record.value, merged) ?? null
      const isStored = this.store.put(key, after, startMs, endMs)
      this.forwarder?.forward({ key, startMs, endMs }, null, after, endMs, NO_HEADERS, isStored)
    }
    if (this.closedUpTo !== undefined) this.emitClosed(this.closedUpTo, closedBeforeMs, record)
  }

  private emitClosed(closedUpTo: NodeState, closedBeforeMs: number, { headers }: StreamRecord<K, V>): void {
    const last = closedUpTo.value
    if (last !== NO_TIME && last >= closedBeforeMs) return
    if (closedBeforeMs - 1 < Math.max(0, last)) return
    const cursor = this.store.sessionsByTime(Math.max(0, last), closedBeforeMs - 1)
    while (cursor.next()) {
      const { key } = cursor
      const value = { before: null, after: cursor.value, isLatest: true }
      this.context.forward({ key, value, timestampMs: key.endMs, headers })
    }
    closedUpTo.value = closedBeforeMs
  }
}
