import { type StateStore, StreamsError } from '../../core/index.ts'
import type { Clock, OffsetCommit, PartitionReader, RecordProducer, TopicAppender } from '../../ports/index.ts'
import type { TaskState } from '../../state/task-state.ts'
import {
  changelogTopicName,
  resolveTopicName,
  type SourceNodeSpec,
  stableNodeNames,
  type StoreKind,
  type StoreSpec,
  type SubTopology
} from '../../topology/index.ts'
import type { ErrorHandlers } from '../error-handlers.ts'
import type { HeldRecord } from './held-record.ts'
import { InputPartition } from './input-partition.ts'
import type { NodeMetrics } from './node-metrics.ts'
import { NodeStates } from './node-states.ts'
import { decodeOffsetMetadata, encodeOffsetMetadata } from './offset-metadata.ts'
import { OutputTopics } from './output-topics.ts'
import { ProcessorNode } from './processor-node.ts'
import type { Punctuations, Schedule } from './punctuations.ts'
import { SinkNode } from './sink-node.ts'
import { SourceNode } from './source-node.ts'
import { TaskErrors } from './task-errors.ts'
import { TaskFrame } from './task-frame.ts'
import type { TaskNode } from './task-node.ts'

export interface TaskOptions {
  readonly applicationId: string
  /** `<sub-topology>_<partition>` */
  readonly taskId: string
  readonly partition: number
  readonly subTopology: SubTopology
  readonly state: TaskState
  /** Stores that every node may read; see `readOnlyStore`. Default: none. */
  readonly globalStores?: ReadonlyMap<string, StateStore> | undefined
  readonly producer: RecordProducer
  /** Appenders of all fixed sink topics and changelogs, by resolved topic name. */
  readonly appenders: ReadonlyMap<string, TopicAppender>
  readonly handlers: ErrorHandlers
  readonly clock: Clock
  /** As in KIP-695: 0 waits for an empty input while the broker holds records for it, -1 never waits, n waits n ms longer. */
  readonly maxTaskIdleMs: number
  /** Metadata of the committed offsets of the task's inputs. */
  readonly committedMetadata: readonly string[]
}

export interface TaskInput {
  readonly reader: PartitionReader
  /** The metadata committed with this input's offset; empty when there is none. */
  readonly metadata: string
  /**
   * False when the reset policy chose where the reader stands: that is committed, too, though nothing was read. Else a start at
   * the end (`latest`) would be chosen anew after a crash, past what came meanwhile. Default true.
   */
  readonly isCommitted?: boolean | undefined
}

/** How many records are processed between two looks at the clock, at most: after 1, 2, 4, 8, 16, 32, 64, 96… of them. */
const RECORDS_PER_LOOK = 32

/**
 * Runs one sub-topology over one partition of each of its inputs. Everything here is synchronous but the two ends of a
 * commit; who calls decides when to yield, to commit and to wait. The same class runs in applications and in the test driver.
 *
 * A commit: `prepareCommit` flushes caches and gives the offsets → the caller produces and commits →
 * `commitSucceeded` writes the state. After an abort the task is thrown away and made anew.
 */
export class Task {
  readonly taskId: string
  readonly partition: number
  readonly subTopology: SubTopology
  readonly state: TaskState
  readonly #applicationId: string
  readonly #frame: TaskFrame
  readonly #nodes = new Map<string, TaskNode>()
  readonly #processors: ProcessorNode[] = []
  readonly #outputs: OutputTopics
  readonly #appenders: ReadonlyMap<string, TopicAppender>
  readonly #nodeStates: NodeStates
  readonly #maxTaskIdleMs: number
  readonly #clock: Clock
  private readonly inputs: InputPartition[] = []
  readonly #lastCommitted = new Map<InputPartition, { offset: number; metadata: string }>()
  #preparedOffsets: { input: InputPartition; offset: number; metadata: string }[] = []
  /** What processors and punctuations wait for: until it settles nothing is processed and nothing committed. */
  #pending: Promise<void> | undefined
  #failure: Error | undefined
  /** Since the last commit: what a punctuation wrote shows in no input's offset. */
  #punctuated = false
  processedRecords = 0

  constructor(options: TaskOptions) {
    this.taskId = options.taskId
    this.partition = options.partition
    this.subTopology = options.subTopology
    this.state = options.state
    this.#applicationId = options.applicationId
    this.#appenders = options.appenders
    this.#maxTaskIdleMs = options.maxTaskIdleMs
    this.#clock = options.clock
    this.#outputs = new OutputTopics(options.producer)

    const restored = new Map<string, number>()
    for (const text of options.committedMetadata) {
      for (const [hash, value] of decodeOffsetMetadata(text).nodeStates) restored.set(hash, value)
    }
    this.#nodeStates = new NodeStates(restored)

    const errors = new TaskErrors(options.taskId, options.handlers, this.#outputs, options.producer)
    this.#frame = new TaskFrame({
      applicationId: options.applicationId,
      taskId: options.taskId,
      partition: options.partition,
      stores: options.state.stores,
      globalStores: options.globalStores ?? new Map(),
      nodeStates: this.#nodeStates,
      errors,
      clock: options.clock
    })
    errors.bind(this.#frame)
    this.#build(errors)
  }

  #build(errors: TaskErrors): void {
    const specs = this.subTopology.nodes
    const stableNames = stableNodeNames(this.subTopology)
    for (const spec of specs) {
      let node: TaskNode
      if (spec.kind === 'source') node = new SourceNode(spec, errors)
      else if (spec.kind === 'sink') {
        const topic = typeof spec.topic === 'string' ? resolveTopicName(spec.topic, this.#applicationId) : undefined
        const appender = topic === undefined ? undefined : this.#appender(topic)
        node = new SinkNode(spec, this.#frame, appender, this.#outputs)
      } else {
        const processor = new ProcessorNode(
          spec,
          this.#frame,
          keepsTime(spec.stores, this.subTopology.stores),
          stableNames.get(spec.name)
        )
        this.#processors.push(processor)
        node = processor
      }
      this.#nodes.set(spec.name, node)
    }
    for (const spec of specs) {
      if (spec.kind === 'sink') continue
      const node = this.#nodes.get(spec.name) as TaskNode
      for (const child of spec.children) node.children.push(this.#nodes.get(child) as TaskNode)
    }
    for (const processor of this.#processors) processor.init()
  }

  #appender(topic: string): TopicAppender {
    const appender = this.#appenders.get(topic)
    if (appender === undefined) {
      throw new StreamsError('TOPIC_MISSING', `Task ${this.taskId} has no appender for topic '${topic}'.`)
    }
    return appender
  }

  /** Adds inputs, once the stores are restored. May be called again when a source pattern matches a new topic. */
  start(inputs: readonly TaskInput[]): void {
    for (const { reader, metadata, isCommitted = true } of inputs) {
      const source = this.#nodes.get(this.#sourceOf(reader.topic)) as SourceNode
      const { partitionTimeMs } = decodeOffsetMetadata(metadata)
      const input = new InputPartition(reader, source, partitionTimeMs)
      this.inputs.push(input)
      this.#lastCommitted.set(input, { offset: isCommitted ? input.nextOffset : -1, metadata: '' })
      this.#frame.streamTimeMs = Math.max(this.#frame.streamTimeMs, partitionTimeMs)
    }
    // The first carries the states of the nodes, so which one is first must not depend on the order of arrival.
    this.inputs.sort((a, b) => compareText(a.topic, b.topic))
  }

  #sourceOf(topic: string): string {
    const reads = (spec: SourceNodeSpec): boolean =>
      spec.topics instanceof RegExp
        ? spec.topics.test(topic)
        : spec.topics.some(name => resolveTopicName(name, this.#applicationId) === topic)
    const sources = this.subTopology.nodes.filter(spec => spec.kind === 'source')
    // A topic named outright goes before a pattern that happens to match it.
    const source = sources.find(spec => !(spec.topics instanceof RegExp) && reads(spec)) ?? sources.find(reads)
    if (source === undefined) {
      throw new StreamsError('TOPOLOGY_INVALID', `No source of sub-topology ${this.subTopology.id} reads '${topic}'.`)
    }
    return source.name
  }

  /**
   * Processes records until none is ready or the deadline has passed.
   *
   * @param deadlineMs - on the monotonic clock.
   * @param maxRecords - at most this many.
   * @returns how many were processed.
   */
  process(deadlineMs: number, maxRecords = Number.MAX_SAFE_INTEGER): number {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#pending !== undefined) return 0
    this.#punctuateWallClock()
    if (this.#pending !== undefined) return 0
    const single = this.inputs.length === 1 ? (this.inputs[0] as InputPartition) : undefined
    const frame = this.#frame
    let count = 0
    // A single record of a slow processor may take longer than the whole slice.
    let nextLook = 1
    while (count < maxRecords) {
      const input = single === undefined ? this.#lowest() : single.loadHead() ? single : undefined
      if (input === undefined) break

      const record = input.takeHead()
      if (record.timestampMs > frame.streamTimeMs) frame.streamTimeMs = record.timestampMs
      frame.input = record
      frame.inputPartition = input
      input.source.process(record)
      count++
      if (frame.streamTimeMs >= frame.streamTimePunctuations.earliestMs) {
        this.#punctuate(frame.streamTimePunctuations, frame.streamTimeMs)
      }
      if (frame.awaited.length > 0) this.#wait()
      if (this.#pending !== undefined) break
      if (count === nextLook) {
        if (this.#clock.monotonicMs() >= deadlineMs) break
        nextLook += Math.min(count, RECORDS_PER_LOOK)
      }
    }
    frame.input = undefined
    frame.inputPartition = undefined
    this.processedRecords += count
    return count
  }

  #punctuateWallClock(): void {
    const { wallClockPunctuations } = this.#frame
    // Asked only where there is something to ask for: a look at the clock for each slice is not free.
    if (wallClockPunctuations.earliestMs === Number.POSITIVE_INFINITY) return
    const nowMs = this.#clock.nowMs()
    if (nowMs >= wallClockPunctuations.earliestMs) this.#punctuate(wallClockPunctuations, nowMs)
  }

  /** Calls what is due, one after the other: after one that has to be waited for, the others are called when it is done. */
  #punctuate(punctuations: Punctuations, nowMs: number): void {
    const frame = this.#frame
    frame.input = undefined
    frame.inputPartition = undefined
    frame.recordTimestampMs = nowMs
    this.#punctuated = true
    const due = punctuations.takeDue(nowMs)
    let called = 0
    while (called < due.length && frame.awaited.length === 0) this.#call(due[called++] as Schedule, nowMs)
    if (called < due.length) frame.awaited.push(this.#callLater(due.slice(called), nowMs))
    if (frame.awaited.length > 0) this.#wait()
  }

  async #callLater(due: readonly Schedule[], nowMs: number): Promise<void> {
    for (const schedule of due) {
      await allDone(this.#frame.awaited.splice(0))
      this.#call(schedule, nowMs)
    }
    await allDone(this.#frame.awaited.splice(0))
  }

  #call({ node, punctuator, cancelled }: Schedule, nowMs: number): void {
    if (cancelled) return
    const { awaited, errors } = this.#frame
    try {
      const result = punctuator(nowMs)
      if (!(result instanceof Promise)) return
      awaited.push(result.catch((error: unknown) => errors.processingFailed(node, undefined, error)))
    } catch (error) {
      errors.processingFailed(node, undefined, error)
    }
  }

  /** Begins to wait for what processors and punctuations have asked to wait for. */
  #wait(): void {
    const awaited = this.#frame.awaited.splice(0)
    if (this.#pending !== undefined) awaited.push(this.#pending)
    const pending = allDone(awaited)
      .catch((error: Error) => {
        this.#failure ??= error
      })
      .finally(() => {
        if (this.#pending === pending) this.#pending = undefined
      })
    this.#pending = pending
  }

  /** Resolves when nothing is waited for that a processor or punctuation has begun; undefined when nothing is. */
  get pending(): Promise<void> | undefined {
    return this.#pending
  }

  /** What keeps an input from being read, until its serde is ready; undefined when nothing does. */
  get held(): HeldRecord | undefined {
    for (const { held } of this.inputs) if (held !== undefined) return held
    return undefined
  }

  /** When wall-clock punctuations want the task to be looked at next, by `clock.nowMs()`; infinite when there are none. */
  get nextWallClockMs(): number {
    return this.#frame.wallClockPunctuations.earliestMs
  }

  /** The input whose head has the lowest timestamp; undefined while an empty one has to be waited for. */
  #lowest(): InputPartition | undefined {
    let lowest: InputPartition | undefined
    let wait = false
    for (const input of this.inputs) {
      if (!input.loadHead()) {
        if (this.#mustWaitFor(input)) wait = true
      } else if (lowest?.head === undefined || (input.head?.timestampMs ?? 0) < lowest.head.timestampMs) {
        lowest = input
      }
    }
    return wait ? undefined : lowest
  }

  #mustWaitFor(input: InputPartition): boolean {
    // Its record is here, only unread: no setting says to process others before it.
    if (input.held !== undefined) return true
    if (this.#maxTaskIdleMs < 0) return false
    const { highWatermark, position } = input.reader
    // Judged by the high watermark, not the last stable offset: an open transaction may still deliver older records.
    if (highWatermark < 0 || position < highWatermark) {
      input.idleSinceMs = -1
      return true
    }
    const nowMs = this.#clock.monotonicMs()
    if (input.idleSinceMs < 0) input.idleSinceMs = nowMs
    return nowMs - input.idleSinceMs < this.#maxTaskIdleMs
  }

  /** True when some input holds a record that may not be processed before another input has been heard of. */
  get waitsForInput(): boolean {
    return this.inputs.length > 1 && this.inputs.some(input => input.head !== undefined)
  }

  /** True when something was processed, or an input moved past records that are never delivered. */
  get commitNeeded(): boolean {
    return (
      this.state.uncommittedBytes > 0 ||
      this.#punctuated ||
      this.#pending !== undefined ||
      this.inputs.some(input => input.nextOffset !== this.#lastCommitted.get(input)?.offset)
    )
  }

  /** Empties the caches into outputs and changelogs, closes the memtable generation, and tells the offsets to commit. */
  async prepareCommit(): Promise<OffsetCommit[]> {
    // What was begun belongs to one transaction.
    await this.#settle()
    this.state.flushCaches()
    // What leaves a cache may be waited for below it.
    await this.#settle()
    await this.#outputs.settle()
    this.state.seal()
    this.#punctuated = false

    this.#preparedOffsets = []
    const nodeStates = this.#nodeStates.changed()
    for (const [index, input] of this.inputs.entries()) {
      const offset = input.nextOffset
      const metadata = encodeOffsetMetadata({
        partitionTimeMs: input.partitionTimeMs,
        nodeStates: index === 0 ? nodeStates : new Map()
      })
      const last = this.#lastCommitted.get(input)
      if (last?.offset !== offset || last.metadata !== metadata) this.#preparedOffsets.push({ input, offset, metadata })
    }
    return this.#preparedOffsets.map(({ input, offset, metadata }) => ({
      topic: input.topic,
      partition: input.partition,
      offset,
      leaderEpoch: input.reader.leaderEpoch ?? -1,
      metadata
    }))
  }

  async #settle(): Promise<void> {
    if (this.#frame.awaited.length > 0) this.#wait()
    while (this.#pending !== undefined) await this.#pending
    if (this.#failure !== undefined) throw this.#failure
  }

  /** After the commit: the memtable and the changelog offsets go to disk together. */
  async commitSucceeded(): Promise<void> {
    for (const { input, offset, metadata } of this.#preparedOffsets)
      this.#lastCommitted.set(input, { offset, metadata })
    this.#preparedOffsets = []
    await this.state.writeSealed(this.#changelogOffsets())
  }

  #changelogOffsets(): Map<string, number> {
    const offsets = new Map<string, number>()
    for (const store of this.subTopology.stores) {
      if (store.changelog === undefined) continue
      const { sourceTopic } = store.changelog
      if (sourceTopic === undefined) {
        const topic = changelogTopicName(store.name, this.#applicationId)
        const end = this.#appender(topic).ackedEndOffset(this.partition)
        if (end >= 0) offsets.set(store.name, end)
      } else {
        const topic = resolveTopicName(sourceTopic, this.#applicationId)
        const input = this.inputs.find(candidate => candidate.topic === topic)
        const committed = input === undefined ? undefined : this.#lastCommitted.get(input)?.offset
        if (committed !== undefined && committed >= 0) offsets.set(store.name, committed)
      }
    }
    return offsets
  }

  /** Committed positions of the inputs, by topic: below them repartition topics may be purged. */
  committedOffsets(): Map<string, number> {
    return new Map(this.inputs.map(input => [input.topic, this.#lastCommitted.get(input)?.offset ?? -1]))
  }

  /** Inputs with where they stand, for lag and for `run({ until: 'end' })`. */
  get positions(): readonly {
    readonly topic: string
    readonly partition: number
    readonly offset: number
    readonly endOffset: number
  }[] {
    return this.inputs.map(input => ({
      topic: input.topic,
      partition: input.partition,
      offset: input.nextOffset,
      endOffset: input.reader.highWatermark
    }))
  }

  get streamTimeMs(): number {
    return this.#frame.streamTimeMs
  }

  /** Time of the record or punctuation in work, for changelog records of stores that keep no timestamps. */
  get recordTimestampMs(): number {
    return this.#frame.recordTimestampMs
  }

  /** Calls `flush`, of a record cache: what leaves it was not put by the record in work, which comes back afterwards. */
  whileFlushing(flush: () => void): void {
    const frame = this.#frame
    const { input, inputPartition } = frame
    frame.input = undefined
    frame.inputPartition = undefined
    try {
      flush()
    } finally {
      frame.input = input
      frame.inputPartition = inputPartition
    }
  }

  /** An update could not leave a record cache: an error of the node that put it, as it would have been without a cache. */
  flushFailed(storeName: string, error: unknown): void {
    const [owner] = this.subTopology.storeOwners?.get(storeName) ?? []
    const node = this.#nodes.get(
      owner ??
        this.subTopology.nodes.find(spec => spec.kind === 'processor' && spec.stores.includes(storeName))?.name ??
        ''
    )
    if (node === undefined) throw error
    this.#frame.errors.processingFailed(node, undefined, error)
  }

  *nodeMetrics(): Generator<readonly [string, NodeMetrics]> {
    for (const [name, node] of this.#nodes) yield [name, node.metrics]
  }

  /** Closes processors and the state; what is not committed is dropped. Every part is closed, the first error is thrown. */
  async close(): Promise<void> {
    if (this.#frame.awaited.length > 0) this.#wait()
    while (this.#pending !== undefined) await this.#pending
    const errors: unknown[] = []
    for (const processor of this.#processors) {
      try {
        processor.close()
      } catch (error) {
        errors.push(error)
      }
    }
    this.#outputs.discard()
    this.state.discard()
    await this.state.close().catch((error: unknown) => errors.push(error))
    if (errors.length > 0) throw errors[0]
  }
}

const WITH_TIMESTAMPS: ReadonlySet<StoreKind> = new Set([
  'timestamped-key-value',
  'timestamped-window',
  'versioned-key-value'
])

function keepsTime(names: readonly string[], specs: readonly StoreSpec[]): boolean {
  return specs.some(({ name, kind }) => names.includes(name) && !WITH_TIMESTAMPS.has(kind))
}

/** Waits for all of them, also when one rejects; then with the first that did. */
async function allDone(promises: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(promises)
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
