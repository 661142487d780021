import type { KStream } from '@millrace/streams'
import type { Headers, Processor, ProcessorContext, RecordMetadata, StreamRecord } from '@millrace/streams/core'
import { checkOptions } from '@millrace/streams/core'
import { type Observable, Subject } from 'rxjs'
import { type Emission, emit } from './emission.ts'

export interface ToObservableOptions {
  /** Name of the node. */
  readonly name?: string
}

/** A record of a stream, and where its input came from. */
export interface ObservedRecord<K, V> {
  readonly key: K
  readonly value: V
  readonly timestampMs: number
  readonly headers: Headers
  /** Topic, partition and offset of the input that led to it; undefined for what a punctuation or a cache forwarded. */
  readonly source: RecordMetadata | undefined
}

/**
 * Ends a stream in an Observable: each record is emitted while it is processed, to those who are subscribed then. A terminal
 * operator, as `foreach`.
 *
 * It is hot and does not know who listens: the application consumes with and without subscribers, and what nobody is subscribed
 * to is gone. So call this before the topology is built, and subscribe before the application starts. It neither completes nor
 * fails by itself: tasks come and go. Stop with `takeUntil`.
 *
 * What a subscriber does is no part of the transaction. Under any guarantee it may see a record again after a failure, and, under
 * `exactly_once`, records of a transaction that is then aborted; to read committed results, write them `to` a topic and take
 * `fromTopic`. While a record is held (`hold`, `mapHeld`, `fromObservable`), its task waits: nothing more of it is processed and
 * nothing is committed, while its partitions are paused once `inputBufferBytes` are fetched. So what is held is one record for
 * each task at most, and its offset is committed only when it was let go: at least once. Hold it for less than
 * `transactionTimeoutMs`; what is never let go keeps the application from closing.
 *
 * @throws StreamsError `CONFIG_UNKNOWN_OPTION`, `TOPOLOGY_INVALID`, `TOPOLOGY_DUPLICATE_NAME`
 */
export function toObservable<K, V>(
  stream: KStream<K, V>,
  options: ToObservableOptions = {}
): Observable<ObservedRecord<K, V>> {
  checkOptions('toObservable()', options, ['name'])
  const subject = new Subject<ObservedRecord<K, V>>()
  stream.process<never, never>(() => new EmittingProcessor(subject), options)
  return subject.asObservable()
}

class EmittingProcessor<K, V> implements Processor<K, V, never, never> {
  private readonly subject: Subject<ObservedRecord<K, V>>
  private context: ProcessorContext<never, never> | undefined

  constructor(subject: Subject<ObservedRecord<K, V>>) {
    this.subject = subject
  }

  init(context: ProcessorContext<never, never>): void {
    this.context = context
  }

  process({ key, value, timestampMs, headers }: StreamRecord<K, V>): void {
    const { subject } = this
    const context = this.context as ProcessorContext<never, never>
    if (!subject.observed) return
    const observed = { key, value, timestampMs, headers, source: context.recordMetadata() }
    emit(new TaskEmission(context), () => subject.next(observed))
  }
}

/** What holds it, its task waits for. */
class TaskEmission implements Emission {
  private readonly context: ProcessorContext<never, never>

  constructor(context: ProcessorContext<never, never>) {
    this.context = context
  }

  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.context.waitFor(promise)
    return resolve
  }
}
