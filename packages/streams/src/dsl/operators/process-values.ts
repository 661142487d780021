import {
  type Cancellable,
  type DropReason,
  type Duration,
  type Headers,
  type NodeState,
  type Processor,
  type ProcessorContext,
  type ProcessorSupplier,
  type PunctuationType,
  type Punctuator,
  type RecordMetadata,
  type StreamRecord,
  StreamsError
} from '../../core/index.ts'
import { checkFunction } from '../add-step.ts'
import type { StreamHandle } from '../stream-handle.ts'
import { addProcessor, type ProcessOptions } from './process.ts'

/** Documented at `KStream.processValues`. */
export function processValues<K, V, VR>(
  up: StreamHandle<K, V>,
  supplier: ProcessorSupplier<K, V, K, VR>,
  options: ProcessOptions = {}
): StreamHandle<K, VR> {
  checkFunction('processValues', 'processor supplier', supplier)
  const node = addProcessor(up, {
    operator: 'processValues',
    prefix: 'KSTREAM-PROCESSVALUES-',
    supplier: () => new FixedKeyProcessor(supplier()),
    options,
    traits: { changesValue: true }
  })
  const { graph, sources, key, needsRepartition } = up
  return { graph, node, sources, key, value: undefined, needsRepartition }
}

/** What a context's `key` is while no record is in work: equal to no key. */
const NO_RECORD = Symbol('no record')

class FixedKeyProcessor<K, V, VR> implements Processor<K, V, K, VR> {
  private readonly inner: Processor<K, V, K, VR>
  private context!: FixedKeyContext<K, VR>

  constructor(inner: Processor<K, V, K, VR>) {
    this.inner = inner
  }

  init(context: ProcessorContext<K, VR>): void {
    this.context = new FixedKeyContext(context)
    this.inner.init?.(this.context)
  }

  process(record: StreamRecord<K, V>): void {
    this.context.key = record.key
    try {
      this.inner.process(record)
    } finally {
      this.context.key = NO_RECORD
    }
  }

  close(): void {
    this.inner.close?.()
  }
}

/** A context that forwards under one key only. */
class FixedKeyContext<K, VR> implements ProcessorContext<K, VR> {
  private readonly context: ProcessorContext<K, VR>
  readonly applicationId: string
  readonly taskId: string
  readonly nodeName: string
  readonly partition: number
  key: K | typeof NO_RECORD = NO_RECORD

  constructor(context: ProcessorContext<K, VR>) {
    this.context = context
    this.applicationId = context.applicationId
    this.taskId = context.taskId
    this.nodeName = context.nodeName
    this.partition = context.partition
  }

  forward(record: StreamRecord<K, VR>, childName?: string): void {
    if (record.key !== this.key) {
      const what = this.key === NO_RECORD ? 'while no record was in work' : 'under another key than that of its record'
      throw new StreamsError(
        'PROCESSOR_KEY_CHANGED',
        `Node '${this.nodeName}' forwarded ${what}, which would put records into the wrong partition. Keep the key, or use process().`,
        { details: { node: this.nodeName } }
      )
    }
    this.context.forward(record, childName)
  }

  getStateStore<S>(name: string): S {
    return this.context.getStateStore<S>(name)
  }

  recordMetadata(): RecordMetadata | undefined {
    return this.context.recordMetadata()
  }

  currentHeaders(): Headers {
    return this.context.currentHeaders()
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

  waitFor(promise: Promise<unknown>): void {
    this.context.waitFor(promise)
  }

  nodeState(name: string, initial: number): NodeState {
    return this.context.nodeState(name, initial)
  }
}
