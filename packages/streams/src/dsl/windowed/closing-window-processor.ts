import type {
  Change,
  NodeState,
  Processor,
  ProcessorContext,
  StreamRecord,
  TimestampedWindowStore,
  Windowed
} from '../../core/index.ts'
import { ChangeForwarder } from '../table/change-forwarder.ts'
import { type AggregateFunctions, NO_TIME } from './aggregate-functions.ts'
import { ClosedWindowEmitter } from './closed-window-emitter.ts'
import type { EmitStrategy } from './emit-strategy.ts'

/**
 * What time and sliding windows have in common: they are kept in a window store, close by stream time, and are forwarded
 * at each update or emitted once closed.
 *
 * @see Kafka Streams `AbstractKStreamTimeWindowAggregateProcessor`
 */
export abstract class ClosingWindowProcessor<W, K, V, A> implements Processor<K, V, Windowed<K>, Change<A>> {
  protected readonly windows: W
  protected readonly functions: AggregateFunctions<K, V, A>
  private readonly storeName: string
  private readonly emits: EmitStrategy
  private readonly sendsOldValues: boolean
  protected context!: ProcessorContext<Windowed<K>, Change<A>>
  protected store!: TimestampedWindowStore<K, A>
  /** One of both: updates are forwarded, or closed windows emitted. */
  protected forwarder: ChangeForwarder<Windowed<K>, A> | undefined
  protected emitter: ClosedWindowEmitter<K, A> | undefined
  /** Of this operator, over all keys; it survives restarts, so that a window once closed stays closed. */
  protected streamTime!: NodeState

  constructor(
    storeName: string,
    windows: W,
    emits: EmitStrategy,
    functions: AggregateFunctions<K, V, A>,
    sendsOldValues: boolean
  ) {
    this.windows = windows
    this.functions = functions
    this.storeName = storeName
    this.emits = emits
    this.sendsOldValues = sendsOldValues
  }

  init(context: ProcessorContext<Windowed<K>, Change<A>>): void {
    this.context = context
    this.store = context.getStateStore(this.storeName)
    this.streamTime = context.nodeState('streamTime', NO_TIME)
    if (this.emits === 'onWindowClose') this.emitter = new ClosedWindowEmitter(context, this.store)
    else this.forwarder = new ChangeForwarder(context, this.store, this.sendsOldValues)
  }

  abstract process(record: StreamRecord<K, V>): void
}
