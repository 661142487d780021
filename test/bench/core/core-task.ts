import type { RawStore, RecordProducer, TopicAppender } from '@millrace/streams/ports'
import { FAIL_ON_ERROR, Task } from '@millrace/streams/runtime'
import { openTaskState, type TaskState } from '@millrace/streams/state'
import { changelogTopicName, mergedSubTopology, resolveTopicName, type Topology } from '@millrace/streams/topology'
import { MockClock } from '@millrace/testing'
import { ByteLog } from './byte-log.ts'
import { InputReader, LogReader, type ReleasedReader } from './byte-readers.ts'
import type { CoreRecords } from './core-records.ts'

const APPLICATION_ID = 'core-bench'
/** What an application gives its only task by default: half of `stateMemoryBytes`. */
const CLEAN_BYTES = 32 * 1024 * 1024

/**
 * The production task over a whole topology, fed from memory: the test driver's task, without what the driver keeps of
 * every record.
 */
export class CoreTask {
  readonly state: TaskState
  readonly output: ByteLog
  private readonly task: Task
  private readonly inputs: readonly ReleasedReader[]
  private readonly internal: readonly LogReader[]
  private readonly logs: readonly ByteLog[]

  private constructor(task: Task, state: TaskState, inputs: readonly ReleasedReader[], logs: Map<string, ByteLog>) {
    this.task = task
    this.state = state
    this.inputs = inputs
    const sources = new Set(task.subTopology.sourceTopics.map(topic => resolveTopicName(topic, APPLICATION_ID)))
    this.logs = [...logs.values()].filter(log => !sources.has(log.topic))
    this.internal = [...logs.values()].filter(log => sources.has(log.topic)).map(log => new LogReader(log))
    this.output = logs.get('out') as ByteLog
    task.start([...inputs, ...this.internal].map(reader => ({ reader, metadata: '' })))
  }

  static async open(
    topology: Topology,
    records: CoreRecords | readonly ReleasedReader[],
    raw: RawStore,
    options: { readonly cleanBytes?: number } = {}
  ): Promise<CoreTask> {
    const subTopology = mergedSubTopology(0, topology.subTopologies)
    const logs = new Map<string, ByteLog>()
    for (const node of subTopology.nodes) {
      if (node.kind !== 'sink') continue
      if (typeof node.topic !== 'string') throw new Error('Computed topics are not measured.')
      const topic = resolveTopicName(node.topic, APPLICATION_ID)
      logs.set(topic, new ByteLog(topic))
    }
    for (const { name, changelog } of subTopology.stores) {
      if (changelog === undefined || changelog.sourceTopic !== undefined) continue
      const topic = changelogTopicName(name, APPLICATION_ID)
      logs.set(topic, new ByteLog(topic))
    }
    const inWork: { task?: Task } = {}
    const state = await openTaskState({
      taskId: '0_0',
      specs: subTopology.stores,
      raw,
      cacheBytes: 0,
      cleanBytes: options.cleanBytes ?? CLEAN_BYTES,
      recordTimestampMs: () => inWork.task?.recordTimestampMs ?? 0,
      changelogTopic: store => changelogTopicName(store, APPLICATION_ID),
      changelog: store => {
        const log = logs.get(changelogTopicName(store, APPLICATION_ID)) as ByteLog
        return (key, value, timestampMs) =>
          log.append(0, key, 0, key.length, value, 0, value === null ? -1 : value.length, timestampMs)
      }
    })
    const task = new Task({
      applicationId: APPLICATION_ID,
      taskId: '0_0',
      partition: 0,
      subTopology,
      state,
      // Every topic has its appender, and nobody commits.
      producer: { cachedTopic: topic => logs.get(topic), full: false } as Partial<RecordProducer> as RecordProducer,
      appenders: new Map<string, TopicAppender>(logs),
      handlers: FAIL_ON_ERROR,
      clock: new MockClock(),
      maxTaskIdleMs: 0,
      committedMetadata: []
    })
    inWork.task = task
    const inputs = 'topics' in records ? records.topics.map((_, topic) => new InputReader(records, topic)) : records
    return new CoreTask(task, state, inputs, logs)
  }

  /** Processes records [0, end) of the inputs that were not processed yet, to their last consequence. */
  processTo(end: number): void {
    for (const input of this.inputs) input.release(end)
    while (this.task.process(Number.POSITIVE_INFINITY) > 0);
  }

  async commit(): Promise<void> {
    do {
      await this.task.prepareCommit()
      await this.task.commitSucceeded()
      while (this.task.process(Number.POSITIVE_INFINITY) > 0);
    } while (this.task.commitNeeded)
    while (await this.state.expireStep());
  }

  /** Forgets what was produced. */
  clearLogs(): void {
    for (const log of this.logs) log.clear()
    for (const reader of this.internal) reader.clear()
  }

  close(): Promise<void> {
    return this.task.close()
  }
}
