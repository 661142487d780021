import {
  type Cancellable,
  type DropReason,
  type Duration,
  durationMs,
  type Headers,
  NO_HEADERS,
  type NodeState,
  type Processor,
  type ProcessorContext,
  type PunctuationType,
  type Punctuator,
  type RecordMetadata,
  StreamsError
} from '../../core/index.ts'
import type { ProcessorNodeSpec } from '../../topology/index.ts'
import { NO_DEADLINE } from './punctuations.ts'
import type { TaskFrame } from './task-frame.ts'
import { type AnyStreamRecord, TaskNode } from './task-node.ts'

/** Runs a user's or an operator's processor; it is its own context, so that forwarding needs no current-node bookkeeping. */
export class ProcessorNode extends TaskNode implements ProcessorContext<any, any> {
  readonly #frame: TaskFrame
  readonly #stores: ReadonlySet<string>
  readonly #stableName: string
  #scheduleCount = 0
  // Hot fields are plain: private names cost a brand check on each access.
  private readonly processor: Processor<any, any, any, any>
  private readonly keepsTime: boolean

  /**
   * @param keepsTime - it has stores without timestamps of their own, which have to be told that of the record in work.
   * @param stableName - what its own states are kept under.
   */
  constructor(spec: ProcessorNodeSpec, frame: TaskFrame, keepsTime = false, stableName = spec.name) {
    super(spec.name)
    this.#stableName = stableName
    this.#frame = frame
    this.#stores = new Set(spec.stores)
    this.processor = spec.supplier()
    this.keepsTime = keepsTime
  }

  init(): void {
    this.processor.init?.(this)
  }

  close(): void {
    this.processor.close?.()
  }

  override process(record: AnyStreamRecord): void {
    this.metrics.processed++
    if (this.keepsTime) {
      this.#processInTime(record)
      return
    }
    try {
      this.processor.process(record)
    } catch (error) {
      this.#frame.errors.processingFailed(this, record, error)
    }
  }

  #processInTime(record: AnyStreamRecord): void {
    const frame = this.#frame
    const before = frame.recordTimestampMs
    frame.recordTimestampMs = record.timestampMs
    try {
      this.processor.process(record)
    } catch (error) {
      frame.errors.processingFailed(this, record, error)
    } finally {
      // Whoever forwarded this record goes on with its own.
      frame.recordTimestampMs = before
    }
  }

  get applicationId(): string {
    return this.#frame.applicationId
  }

  get taskId(): string {
    return this.#frame.taskId
  }

  get nodeName(): string {
    return this.name
  }

  get partition(): number {
    return this.#frame.partition
  }

  override forward(record: AnyStreamRecord, childName?: string): void {
    // Written so that NaN and what is no number are caught too.
    if (!(record.timestampMs >= 0)) throw this.#timestampInvalid(record.timestampMs)
    if (childName === undefined) {
      super.forward(record)
      return
    }
    const child = this.children.find(candidate => candidate.name === childName)
    if (child === undefined) {
      throw new StreamsError(
        'TOPOLOGY_UNKNOWN_NODE',
        `Node '${this.name}' forwarded to '${childName}', which is not one of its children: ` +
          `${this.children.map(candidate => `'${candidate.name}'`).join(', ') || 'it has none'}. Connect the node, or correct the name.`,
        { details: { node: this.name, childName } }
      )
    }
    child.process(record)
  }

  #timestampInvalid(timestampMs: unknown): StreamsError {
    return new StreamsError(
      'RECORD_TIMESTAMP_INVALID',
      `Node '${this.name}' forwarded a record with the timestamp ${String(timestampMs)}. Give milliseconds since the epoch, not below 0.`,
      { details: { node: this.name, timestampMs } }
    )
  }

  getStateStore<S>(name: string): S {
    const global = this.#frame.globalStores.get(name)
    if (global !== undefined) return global as S
    const store = this.#frame.stores.get(name)
    if (store === undefined || !this.#stores.has(name)) {
      throw new StreamsError(
        'TOPOLOGY_STORE_NOT_CONNECTED',
        `Node '${this.name}' asked for the store '${name}', which is not connected to it. ` +
          `Connected: ${[...this.#stores].map(store => `'${store}'`).join(', ') || 'none'}. Name the store where the node is added.`,
        { details: { node: this.name, store: name } }
      )
    }
    return store as S
  }

  recordMetadata(): RecordMetadata | undefined {
    return this.#frame.recordMetadata()
  }

  currentHeaders(): Headers {
    return this.#frame.input?.headers ?? NO_HEADERS
  }

  streamTimeMs(): number {
    return this.#frame.streamTimeMs
  }

  systemTimeMs(): number {
    return this.#frame.clock.nowMs()
  }

  drop(reason: DropReason): void {
    this.metrics.drop(reason)
  }

  schedule(interval: Duration, type: PunctuationType, punctuator: Punctuator): Cancellable {
    const intervalMs = durationMs(interval, `the interval of a punctuation of '${this.name}'`)
    if (intervalMs <= 0) {
      throw new StreamsError(
        'DURATION_INVALID',
        `Node '${this.name}' schedules a punctuation every ${intervalMs} ms. Give an interval above 0.`,
        { details: { node: this.name, intervalMs } }
      )
    }
    // A node schedules in the same order after a restart, so the count tells its schedules apart.
    const next = this.nodeState(`punctuation-${this.#scheduleCount++}`, NO_DEADLINE)
    const { streamTimePunctuations, wallClockPunctuations, clock } = this.#frame
    if (type === 'stream-time') {
      if (next.value === NO_DEADLINE) next.value = 0
      return streamTimePunctuations.add(this, intervalMs, punctuator, next)
    }
    if (next.value === NO_DEADLINE) next.value = clock.nowMs() + intervalMs
    return wallClockPunctuations.add(this, intervalMs, punctuator, next)
  }

  waitFor(promise: Promise<unknown>): void {
    const { awaited, errors } = this.#frame
    const handled = promise.catch(errors.laterProcessingFailure(this))
    // Nobody awaits it when the record in work fails by itself.
    handled.catch(() => {})
    awaited.push(handled)
  }

  nodeState(name: string, initial: number): NodeState {
    return this.#frame.nodeStates.declare(this.#stableName, name, initial)
  }
}
