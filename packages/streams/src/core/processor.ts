import type { Duration } from './duration.ts'
import type { Headers } from './headers.ts'
import type { RecordMetadata, StreamRecord } from './stream-record.ts'

/**
 * A node's behaviour. `process` is a plain call on the record path: it must not block and its result is not awaited.
 *
 * @see Kafka Streams `api.Processor`
 */
export interface Processor<KIn, VIn, KOut, VOut> {
  /** Called once per task before the first record. Stores and the context may be kept. */
  init?(context: ProcessorContext<KOut, VOut>): void
  process(record: StreamRecord<KIn, VIn>): void
  /** Called once when the task is closed; stores are still readable, nothing may be forwarded. */
  close?(): void
}

export type ProcessorSupplier<KIn, VIn, KOut, VOut> = () => Processor<KIn, VIn, KOut, VOut>

/** Why a record was dropped; counted per node and reason in the metrics. */
export type DropReason =
  | 'null-key'
  | 'null-value'
  | 'null-key-or-value'
  | 'late'
  | 'expired'
  | 'negative-timestamp'
  | 'deserialization-error'
  | 'processing-error'
  | 'production-error'

/**
 * What a processor may do. One context belongs to one node of one task.
 *
 * @see Kafka Streams `api.ProcessorContext`
 */
export interface ProcessorContext<KOut, VOut> {
  readonly applicationId: string
  /** `<sub-topology>_<partition>`, for example `0_3`. */
  readonly taskId: string
  readonly nodeName: string
  readonly partition: number

  /**
   * Sends a record to all children, or to the one named, depth first and in the order they were added. The children are
   * done with it when this returns. Not in `close`.
   *
   * @param childName - Name of the child node; of `process` in the DSL, that of an operator below.
   * @throws StreamsError `TOPOLOGY_UNKNOWN_NODE` when there is no such child
   * @see Kafka Streams `ProcessorContext#forward`
   * @example
   * ```ts
   * const number = { key: string(), value: json<number>() }
   * const sort = () => {
   *   let context: ProcessorContext<string, number>
   *   return {
   *     init(given: ProcessorContext<string, number>) {
   *       context = given
   *     },
   *     process(record: StreamRecord<string, number>) {
   *       context.forward(record, record.value < 0 ? 'losses' : 'gains')
   *     }
   *   }
   * }
   * const topology = new TopologyBuilder()
   *   .addSource('results', { topics: 'results', ...number })
   *   .addProcessor('sort', sort, ['results'])
   *   .addSink('losses', { topic: 'losses', ...number }, ['sort'])
   *   .addSink('gains', { topic: 'gains', ...number }, ['sort'])
   *   .build()
   * ```
   * ```text
   * results q1:5@0 → gains q1:5@0
   * results q2:-2@5s → losses q2:-2@5s
   * ```
   */
  forward(record: StreamRecord<KOut, VOut>, childName?: string): void

  /**
   * The store of that name, of whatever kind it was declared:
   * `context.getStateStore<KeyValueStore<string, number>>('totals')`. Global stores need not be connected; only their
   * own processor can write to them.
   *
   * @throws StreamsError `TOPOLOGY_STORE_NOT_CONNECTED` if the node was not connected to this store; `STORE_READ_ONLY`
   *   from it when a global store is written to
   * @see Kafka Streams `ProcessorContext#getStateStore`
   * @example
   * ```ts
   * builder.stream('payments', { key: string(), value: json<number>() }).groupByKey().count({ store: 'counts' })
   * builder
   *   .stream('refunds', { key: string(), value: json<number>() })
   *   .processValues<number>(
   *     () => {
   *       let context: ProcessorContext<string, number>
   *       let counts: TimestampedKeyValueStore<string, number>
   *       return {
   *         init(given) {
   *           context = given
   *           counts = given.getStateStore('counts')
   *         },
   *         process(record) {
   *           context.forward({ ...record, value: counts.get(record.key)?.value ?? 0 })
   *         }
   *       }
   *     },
   *     { stores: ['counts'] }
   *   )
   *   .to('payments-before-refund', { value: json<number>() })
   * ```
   * ```text
   * payments alice:3@0 →
   * payments alice:4@1s →
   * refunds alice:4@5s → payments-before-refund alice:2@5s
   * ```
   */
  getStateStore<S>(name: string): S

  /**
   * Where the record in work came from: topic, partition and offset of the input. `undefined` in a punctuation, and
   * for what a record cache held back.
   *
   * @see Kafka Streams `ProcessorContext#recordMetadata`
   * @example
   * ```ts
   * builder
   *   .stream('in', { key: string(), value: string() })
   *   .processValues<string>(() => {
   *     let context: ProcessorContext<string, string>
   *     return {
   *       init(given) {
   *         context = given
   *       },
   *       process(record) {
   *         const { topic, partition, offset } = context.recordMetadata() as RecordMetadata
   *         context.forward({ ...record, value: `${topic}-${partition} at ${offset}` })
   *       }
   *     }
   *   })
   *   .to('origins', { value: string() })
   * ```
   * ```text
   * in a:tea@0 → origins a:"in-0 at 0"@0
   * in a:milk@5s → origins a:"in-0 at 1"@5s
   * ```
   */
  recordMetadata(): RecordMetadata | undefined
  /**
   * Headers of the input record in work, as it was read, though operators above may have changed those of `record`; of
   * the triggering record while a buffer is being emptied. None in a punctuation.
   *
   * @see Kafka Streams `processor.ProcessorContext#headers`, of the older API
   * @example
   * ```ts
   * builder
   *   .stream('in', { key: string(), value: string() })
   *   .processValues<string>(() => {
   *     let context: ProcessorContext<string, string>
   *     return {
   *       init(given) {
   *         context = given
   *       },
   *       process(record) {
   *         context.forward({ ...record, value: `${context.currentHeaders().length} headers`, headers: [] })
   *       }
   *     }
   *   })
   *   .to('counts', { value: string() })
   * ```
   * ```text
   * in a:tea@0^trace=7^user=alice → counts a:"2 headers"@0
   * ```
   */
  currentHeaders(): Headers

  /**
   * Largest timestamp this task has seen at its sources, in milliseconds since the epoch; -1 before the first record.
   * It survives a restart.
   *
   * @see Kafka Streams `ProcessorContext#currentStreamTimeMs`
   * @example
   * ```ts
   * builder
   *   .stream('in', { key: string(), value: string() })
   *   .processValues<number>(() => {
   *     let context: ProcessorContext<string, number>
   *     return {
   *       init(given) {
   *         context = given
   *       },
   *       process(record) {
   *         context.forward({ ...record, value: context.streamTimeMs() - record.timestampMs })
   *       }
   *     }
   *   })
   *   .to('lateness', { value: json<number>() })
   * ```
   * ```text
   * in a:tea@5s → lateness a:0@5s
   * in a:milk@3s → lateness a:2000@3s
   * ```
   */
  streamTimeMs(): number
  /**
   * The wall clock, in milliseconds since the epoch; the clock of the test in a test.
   *
   * @see Kafka Streams `ProcessorContext#currentSystemTimeMs`
   * @example
   * ```ts
   * builder
   *   .stream('in', { key: string(), value: string() })
   *   .processValues<number>(() => {
   *     let context: ProcessorContext<string, number>
   *     return {
   *       init(given) {
   *         context = given
   *       },
   *       process(record) {
   *         context.forward({ ...record, value: context.systemTimeMs() })
   *       }
   *     }
   *   })
   *   .to('read-at', { value: json<number>() })
   * ```
   * ```text
   * --idle 1m →
   * in a:tea@5s → read-at a:60000@5s
   * ```
   */
  systemTimeMs(): number

  /**
   * Counts a record that this node dropped, by node and reason, in the metrics of the application. It does nothing
   * else: to drop a record is not to forward it.
   *
   * @see Kafka Streams `dropped-records-total`, which only its own operators count
   * @example
   * ```ts
   * builder
   *   .stream('readings', { key: string(), value: json<number>() })
   *   .processValues<number>(() => {
   *     let context: ProcessorContext<string, number>
   *     return {
   *       init(given) {
   *         context = given
   *       },
   *       process(record) {
   *         if (record.value === null) context.drop('null-value')
   *         else context.forward(record)
   *       }
   *     }
   *   })
   *   .to('valid', { value: json<number>() })
   * ```
   * ```text
   * readings s1:20@0 → valid s1:20@0
   * readings s1:null@5s →
   * ```
   */
  drop(reason: DropReason): void

  /**
   * Calls `punctuator` again and again until it is cancelled. May be called in `init` and later.
   *
   * - `stream-time`: when the task's stream time passes a multiple of `interval`, 0 included: the first record is
   *   followed by a call. After the record that moved the time. Goes on after a restart where it was.
   * - `wall-clock`: an `interval` after now, and so on; it keeps this phase after a restart.
   *
   * However many multiples were passed, there is one call, with the current time and not that of the deadline. While a
   * punctuator's promise is pending, the task processes nothing and does not commit, as with `waitFor`; others that are due
   * are called when it has settled.
   *
   * @param interval - above 0; milliseconds or a string such as '5m'.
   * @throws StreamsError `DURATION_INVALID`
   * @see Kafka Streams `ProcessorContext#schedule`
   * @example
   * ```ts
   * builder
   *   .stream('clicks', { key: string(), value: string() })
   *   .process<string, number>(() => {
   *     let clicks = 0
   *     return {
   *       init(context) {
   *         context.schedule('1m', 'stream-time', timestampMs => {
   *           context.forward({ key: 'clicks so far', value: clicks, timestampMs, headers: [] })
   *         })
   *       },
   *       process() {
   *         clicks++
   *       }
   *     }
   *   })
   *   .to('counts', { key: string(), value: json<number>() })
   * ```
   * ```text
   * clicks alice:/home@1s → counts "clicks so far":1@1s
   * clicks bob:/home@30s →
   * clicks bob:/cart@61s → counts "clicks so far":3@1m1s
   * ```
   * @example
   * ```ts
   * builder
   *   .stream('clicks', { key: string(), value: string() })
   *   .process<string, string>(() => ({
   *     init(context) {
   *       context.schedule('10s', 'wall-clock', async timestampMs => {
   *         const value = await Promise.resolve('answer of a service')
   *         context.forward({ key: 'news', value, timestampMs, headers: [] })
   *       })
   *     },
   *     process() {}
   *   }))
   *   .to('news', { key: string(), value: string() })
   * ```
   * ```text
   * --idle 9s →
   * --idle 1s → news news:"answer of a service"@10s
   * --idle 25s → news news:"answer of a service"@35s
   * ```
   */
  schedule(interval: Duration, type: PunctuationType, punctuator: Punctuator): Cancellable

  /**
   * Waits before the next record: until the promise settles, the task processes nothing more and commits nothing; other
   * tasks go on, but the next commit of the process waits too. What it stands for has therefore been done, or has
   * failed, when the record in work is committed. After a failure it may be done again, under any guarantee.
   *
   * A promise that rejects counts as an error of this node (`onProcessingError`). One that takes longer than
   * `transactionTimeoutMs` loses the transaction, and the records since the last commit are processed again.
   *
   * @see Kafka Streams has none; there, `process` blocks its thread
   * @example
   * ```ts
   * builder
   *   .stream('orders', { key: string(), value: json<number>() })
   *   .processValues<number>(() => {
   *     let context: ProcessorContext<string, number>
   *     return {
   *       init(given) {
   *         context = given
   *       },
   *       process(record) {
   *         const saved = Promise.resolve() // of a database, say
   *         context.waitFor(saved)
   *         context.forward(record)
   *       }
   *     }
   *   })
   *   .to('saved-orders', { value: json<number>() })
   * ```
   * ```text
   * orders alice:120@0 → saved-orders alice:120@0
   * ```
   */
  waitFor(promise: Promise<unknown>): void

  /**
   * This node's own stream time and similar small integers that must survive a restart and a move to another machine:
   * they travel in the metadata of the committed input offsets. Declared in `init`; a few a node, since they are
   * written with every commit.
   *
   * @param initial - The value where nothing was committed yet. Safe integers only.
   * @throws StreamsError `TOPOLOGY_INVALID` when two names happen to have the same hash
   * @see Kafka Streams has none of its own; its tasks keep their partition times in the same place
   * @example
   * ```ts
   * builder
   *   .stream('clicks', { key: string(), value: string() })
   *   .processValues<number>(() => {
   *     let context: ProcessorContext<string, number>
   *     let count: { value: number }
   *     return {
   *       init(given) {
   *         context = given
   *         count = given.nodeState('count', 0)
   *       },
   *       process(record) {
   *         count.value++
   *         context.forward({ ...record, value: count.value })
   *       }
   *     }
   *   })
   *   .to('numbered', { value: json<number>() })
   * ```
   * ```text
   * clicks alice:/home@0 → numbered alice:1@0
   * clicks bob:/home@5s → numbered bob:2@5s
   * ```
   */
  nodeState(name: string, initial: number): NodeState
}

export type PunctuationType = 'stream-time' | 'wall-clock'

/** Gets the current stream time or wall-clock time. No input record is in work; it may forward. */
export type Punctuator = (timestampMs: number) => void | Promise<void>

export interface Cancellable {
  /**
   * No further call, not even one that is due. May be called by the punctuator itself.
   *
   * @see Kafka Streams `Cancellable#cancel`
   * @example
   * ```ts
   * builder
   *   .stream('in', { key: string(), value: string() })
   *   .process<string, string>(() => ({
   *     init(context) {
   *       const once = context.schedule('10s', 'wall-clock', timestampMs => {
   *         context.forward({ key: 'hello', value: 'once', timestampMs, headers: [] })
   *         once.cancel()
   *       })
   *     },
   *     process() {}
   *   }))
   *   .to('out', { key: string(), value: string() })
   * ```
   * ```text
   * --idle 10s → out hello:once@10s
   * --idle 10s →
   * ```
   */
  cancel(): void
}

/** One integer of a node that is committed with the input offsets. Safe integers only. */
export interface NodeState {
  value: number
}
