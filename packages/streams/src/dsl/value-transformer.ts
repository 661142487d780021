import {
  type Cancellable,
  type DropReason,
  type Duration,
  type Headers,
  type ProcessorContext,
  type PunctuationType,
  type Punctuator,
  type RecordMetadata,
  StreamsError
} from '../core/index.ts'

/**
 * Makes a new value of each row; may use stores. A plain function where neither `init` nor `close` is needed.
 *
 * @see Kafka Streams `ValueTransformerWithKey`
 */
export type ValueTransformer<K, V, VR> = ValueTransform<K, V, VR> | StatefulValueTransformer<K, V, VR>

/** The value is null when the row was deleted. */
export type ValueTransform<K, V, VR> = (key: K, value: V | null) => VR

export interface StatefulValueTransformer<K, V, VR> {
  /** Called once before the first row. Stores and the context may be kept. */
  init?(context: ValueTransformerContext): void
  /** The value is null when the row was deleted. Synchronous. */
  transform(key: K, value: V | null): VR
  /** Called once when the task is closed; stores are still readable. */
  close?(): void
}

/** Called for each task, and for each node that looks the rows up: must give a new transformer each time. */
export type ValueTransformerSupplier<K, V, VR> = () => ValueTransformer<K, V, VR>

/**
 * What a transformer may do: it cannot forward. While a row is looked up there are no record metadata and no headers.
 *
 * @see Kafka Streams `ForwardingDisabledProcessorContext`
 */
export type ValueTransformerContext = Omit<ProcessorContext<never, never>, 'forward' | 'nodeState' | 'waitFor'>

/** @throws StreamsError `TOPOLOGY_INVALID` when the supplier gave something else. */
export function openTransformer<K, V, VR>(
  supplier: ValueTransformerSupplier<K, V, VR>
): StatefulValueTransformer<K, V, VR> {
  const transformer = supplier()
  if (typeof transformer === 'function') return { transform: transformer }
  if (typeof transformer?.transform === 'function') return transformer
  throw new StreamsError(
    'TOPOLOGY_INVALID',
    `The supplier of transformValues() gave ${transformer === null ? 'null' : `a ${typeof transformer}`}. ` +
      'It must give a function or an object with transform(): () => (key, value) => …'
  )
}

/** Passes on what a transformer may use of a node's context. */
export class NonForwardingContext implements ValueTransformerContext {
  private readonly context: ProcessorContext<any, any>
  private readonly isLookup: boolean
  readonly applicationId: string
  readonly taskId: string
  readonly nodeName: string
  readonly partition: number

  /** @param isLookup - the record in work is not the row's. */
  constructor(context: ProcessorContext<any, any>, isLookup: boolean) {
    this.context = context
    this.isLookup = isLookup
    this.applicationId = context.applicationId
    this.taskId = context.taskId
    this.nodeName = context.nodeName
    this.partition = context.partition
  }

  getStateStore<S>(name: string): S {
    return this.context.getStateStore<S>(name)
  }

  recordMetadata(): RecordMetadata | undefined {
    return this.isLookup ? undefined : this.context.recordMetadata()
  }

  currentHeaders(): Headers {
    return this.isLookup ? [] : this.context.currentHeaders()
  }

  streamTimeMs(): number {
    return this.context.streamTimeMs()
  }

  systemTimeMs(): number {
    return this.context.systemTimeMs()
  }

  drop(reason: DropReason): void {
    this.context.drop(reason)
  }

  schedule(interval: Duration, type: PunctuationType, punctuator: Punctuator): Cancellable {
    return this.context.schedule(interval, type, punctuator)
  }
}
