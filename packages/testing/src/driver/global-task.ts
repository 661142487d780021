import type { StateStore } from '@millrace/streams/core'
import type { Clock, RecordProducer } from '@millrace/streams/ports'
import { type ErrorHandlers, prepareSerdes, readOnlyStore, Task } from '@millrace/streams/runtime'
import { MemoryRawStore, openTaskState } from '@millrace/streams/state'
import { changelogTopicName, mergedSubTopology, type Topology } from '@millrace/streams/topology'
import type { MemoryCluster } from './memory-cluster.ts'
import { LogReader } from './topic-log.ts'

export interface GlobalTaskOptions {
  readonly applicationId: string
  readonly cluster: MemoryCluster
  readonly producer: RecordProducer
  readonly clock: Clock
  readonly handlers: ErrorHandlers
}

/**
 * The global stores of a topology: a task of their own, so that their records do not move the time of the others. They are
 * read anew from their topics at each start.
 */
export class GlobalTask {
  readonly topics: ReadonlySet<string>
  /** Read-only. */
  readonly stores: ReadonlyMap<string, StateStore>
  readonly #task: Task

  private constructor(task: Task, topics: ReadonlySet<string>) {
    this.#task = task
    this.topics = topics
    this.stores = new Map([...task.state.stores].map(([name, store]) => [name, readOnlyStore(store)]))
  }

  /** Holds all that is in the topics by now. Undefined when the topology has no global stores. */
  static async open(topology: Topology, options: GlobalTaskOptions): Promise<GlobalTask | undefined> {
    if (topology.globalSubTopologies.length === 0) return undefined
    const { applicationId, cluster, producer, clock, handlers } = options
    const subTopology = mergedSubTopology(0, topology.globalSubTopologies)
    await prepareSerdes(subTopology, applicationId, [])
    const inWork: { task?: Task } = {}
    const state = await openTaskState({
      taskId: 'global',
      specs: subTopology.stores,
      raw: new MemoryRawStore(),
      cacheBytes: 0,
      recordTimestampMs: () => inWork.task?.recordTimestampMs ?? 0,
      changelog: () => undefined,
      changelogTopic: store => changelogTopicName(store, applicationId)
    })
    const task = new Task({
      applicationId,
      taskId: 'global',
      partition: 0,
      subTopology,
      state,
      producer,
      appenders: new Map(),
      handlers,
      clock,
      maxTaskIdleMs: -1,
      committedMetadata: []
    })
    inWork.task = task
    const topics = new Set(subTopology.sourceTopics)
    task.start([...topics].map(topic => ({ reader: new LogReader(cluster.log(topic)), metadata: '' })))
    const global = new GlobalTask(task, topics)
    global.process()
    return global
  }

  /** Resolves when a record that could not be read is to be tried again; undefined when there is none. */
  get held(): Promise<void> | undefined {
    return this.#task.held?.ready
  }

  process(): void {
    this.#task.process(Number.POSITIVE_INFINITY)
  }

  close(): Promise<void> {
    return this.#task.close()
  }
}
