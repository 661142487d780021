import { NO_HEADERS } from '@millrace/streams/core'
import type { PartitionReader, RecordProducer, TopicAppender } from '@millrace/streams/ports'
import { type ErrorHandlers, FAIL_ON_ERROR, Task } from '@millrace/streams/runtime'
import { MemoryRawStore, openTaskState } from '@millrace/streams/state'
import type { Topology } from '@millrace/streams/topology'
import { MockClock } from '@millrace/testing'

/** Records of the key `k`, at these times, each with its own number as value. */
export class ListReader implements PartitionReader {
  readonly topic: string
  readonly partition = 0
  readonly highWatermark: number
  readonly lastStableOffset = 0
  readonly logStartOffset = 0
  readonly keyStart = 0
  readonly keyEnd = 1
  readonly valueStart = 1
  readonly #times: readonly number[]
  #at = -1

  /** @param highWatermark - default: the end of the list. Above it the input is waited for. */
  constructor(topic: string, times: readonly number[], highWatermark = times.length) {
    this.topic = topic
    this.#times = times
    this.highWatermark = highWatermark
  }

  next(): boolean {
    if (!this.hasBuffered) return false
    this.#at++
    return true
  }

  get buffer(): Buffer {
    return Buffer.from(`k${this.#at}`)
  }

  get valueEnd(): number {
    return this.buffer.length
  }

  get offset(): number {
    return this.#at
  }

  get timestampMs(): number {
    return this.#times[this.#at] ?? -1
  }

  get position(): number {
    return this.#at + 1
  }

  get hasBuffered(): boolean {
    return this.#at + 1 < this.#times.length
  }

  headers() {
    return NO_HEADERS
  }
}

/** A topic in memory, one partition; `refuse` throws for what it does not take. */
export class ListAppender implements TopicAppender {
  readonly topic: string
  readonly partitionCount = 1
  readonly values: string[] = []
  readonly #refuse: (value: string) => void

  constructor(topic: string, refuse: (value: string) => void = () => {}) {
    this.topic = topic
    this.#refuse = refuse
  }

  append(...[, , , , value, start, end]: Parameters<TopicAppender['append']>): void {
    const text = value === null ? '' : Buffer.from(value.subarray(start, end)).toString()
    this.#refuse(text)
    this.values.push(text)
  }

  ackedEndOffset(): number {
    return this.values.length
  }
}

export interface TaskBenchOptions {
  readonly readers: readonly ListReader[]
  /** Committed with the offsets of the inputs, in the order of the readers. */
  readonly metadata?: readonly string[]
  readonly producer?: Partial<RecordProducer>
  readonly appenders?: readonly ListAppender[]
  readonly handlers?: Partial<ErrorHandlers>
  /** Default 0. */
  readonly cacheBytes?: number
}

/** The task of a topology's one sub-topology, over inputs in memory. */
export async function openTask(
  topology: Topology,
  options: TaskBenchOptions
): Promise<{ task: Task; clock: MockClock }> {
  const { readers, metadata = readers.map(() => ''), appenders = [] } = options
  const [subTopology] = topology.subTopologies
  if (subTopology === undefined) throw new Error('The topology is empty.')
  const clock = new MockClock()
  const byTopic = new Map(appenders.map(appender => [appender.topic, appender]))
  const inWork: { task?: Task } = {}
  const state = await openTaskState({
    taskId: '0_0',
    specs: subTopology.stores,
    raw: new MemoryRawStore(),
    changelog: store => {
      const appender = byTopic.get(`app-${store}-changelog`)
      return (key, value, timestampMs, headers) =>
        appender?.append(0, key, 0, key.length, value, 0, value?.length ?? -1, timestampMs, headers)
    },
    changelogTopic: store => store,
    cacheBytes: options.cacheBytes ?? 0,
    flushing: {
      run: flush => inWork.task?.whileFlushing(flush),
      failed: (store, error) => inWork.task?.flushFailed(store, error)
    }
  })
  const task = new Task({
    applicationId: 'app',
    taskId: '0_0',
    partition: 0,
    subTopology,
    state,
    producer: (options.producer ?? {}) as RecordProducer,
    appenders: byTopic,
    handlers: { ...FAIL_ON_ERROR, ...options.handlers },
    clock,
    maxTaskIdleMs: 0,
    committedMetadata: metadata
  })
  inWork.task = task
  task.start(readers.map((reader, index) => ({ reader, metadata: metadata[index] ?? '' })))
  return { task, clock }
}

/** As long as anything is ready. */
export function processAll(task: Task): number {
  return task.process(Number.MAX_SAFE_INTEGER)
}
