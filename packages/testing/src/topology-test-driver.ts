import { type Headers, type KeyValueSerdes, StreamsError } from '@millrace/streams/core'
import type { RawStore } from '@millrace/streams/ports'
import { type ErrorHandlers, FAIL_ON_ERROR, Task } from '@millrace/streams/runtime'
import { MemoryRawStore, openTaskState, type TaskState } from '@millrace/streams/state'
import { changelogTopicName, resolveTopicName, type SubTopology, type Topology } from '@millrace/streams/topology'
import { GlobalTask } from './driver/global-task.ts'
import { MemoryProducer } from './driver/memory-producer.ts'
import { MockClock } from './driver/mock-clock.ts'
import { TestInputTopic } from './driver/test-input-topic.ts'
import { TestOutputTopic } from './driver/test-output-topic.ts'
import { LogReader, TopicLog } from './driver/topic-log.ts'
import { wholeTopology } from './driver/whole-topology.ts'

export interface TestDriverOptions {
  /** Default `test`. */
  readonly applicationId?: string
  /** Where the wall clock stands at first. Default 0. */
  readonly startWallClockMs?: number
  /** 0, the default, forwards every update at once; above it updates are held until `commit`. */
  readonly cacheBytes?: number
  readonly handlers?: Partial<ErrorHandlers>
  /** Default: in memory. Closed with the driver. */
  readonly rawStore?: RawStore
}

/**
 * Runs a topology in this process, without Kafka: the production task over the whole topology, one partition a topic, a clock
 * that only moves when told to. Records travel as bytes, through repartition topics too.
 *
 * @see Kafka Streams `TopologyTestDriver`
 */
export class TopologyTestDriver {
  readonly #applicationId: string
  readonly #sub: SubTopology
  readonly #state: TaskState
  readonly #task: Task
  readonly #clock: MockClock
  readonly #producer: MemoryProducer
  readonly #inputs = new Map<string, TopicLog>()
  readonly #global: GlobalTask | undefined

  private constructor(options: {
    applicationId: string
    sub: SubTopology
    state: TaskState
    task: Task
    clock: MockClock
    producer: MemoryProducer
    inputs: Map<string, TopicLog>
    global: GlobalTask | undefined
  }) {
    this.#applicationId = options.applicationId
    this.#sub = options.sub
    this.#state = options.state
    this.#task = options.task
    this.#clock = options.clock
    this.#producer = options.producer
    this.#inputs = options.inputs
    this.#global = options.global
  }

  static async open(topology: Topology, options: TestDriverOptions = {}): Promise<TopologyTestDriver> {
    const applicationId = options.applicationId ?? 'test'
    const sub = wholeTopology(topology)
    const clock = new MockClock(options.startWallClockMs ?? 0)
    const inputs = new Map<string, TopicLog>()
    for (const name of sub.sourceTopics) {
      const topic = resolveTopicName(name, applicationId)
      inputs.set(topic, new TopicLog(topic))
    }
    const producer: MemoryProducer = new MemoryProducer(topic => inputs.get(topic) ?? global?.inputs.get(topic))
    const handlers = { ...FAIL_ON_ERROR, ...options.handlers }
    const global = await GlobalTask.open(topology, { applicationId, producer, clock, handlers })
    const appenders = new Map<string, ReturnType<MemoryProducer['cachedTopic']>>()
    for (const node of sub.nodes) {
      if (node.kind !== 'sink' || typeof node.topic !== 'string') continue
      const topic = resolveTopicName(node.topic, applicationId)
      appenders.set(topic, producer.cachedTopic(topic))
    }
    for (const { name, changelog } of sub.stores) {
      if (changelog === undefined || changelog.sourceTopic !== undefined) continue
      const topic = changelogTopicName(name, applicationId)
      appenders.set(topic, producer.cachedTopic(topic))
    }
    const inWork: { task?: Task } = {}
    const state = await openTaskState({
      taskId: '0_0',
      specs: sub.stores,
      raw: options.rawStore ?? new MemoryRawStore(),
      cacheBytes: options.cacheBytes ?? 0,
      recordTimestampMs: () => inWork.task?.recordTimestampMs ?? 0,
      changelogTopic: store => changelogTopicName(store, applicationId),
      changelog: store => {
        const appender = appenders.get(changelogTopicName(store, applicationId))
        if (appender === undefined) return undefined
        return (key, value, timestampMs, headers) =>
          appender.append(0, key, 0, key.length, value, 0, value === null ? -1 : value.length, timestampMs, headers)
      }
    })
    const task = new Task({
      applicationId,
      taskId: '0_0',
      partition: 0,
      subTopology: sub,
      state,
      globalStores: global?.stores,
      producer,
      appenders,
      handlers,
      clock,
      maxTaskIdleMs: 0,
      committedMetadata: []
    })
    inWork.task = task
    task.start([...inputs.values()].map(log => ({ reader: new LogReader(log), metadata: '' })))
    return new TopologyTestDriver({ applicationId, sub, state, task, clock, producer, inputs, global })
  }

  /** @throws StreamsError `TOPIC_MISSING` when the topology does not read this topic. */
  inputTopic<K, V>(topic: string, serdes: KeyValueSerdes<K, V>): TestInputTopic<K, V> {
    const log = this.#inputLog(topic)
    return new TestInputTopic(topic, serdes, (key, value, timestampMs, headers) =>
      this.#pipe(log, key, value, timestampMs, headers)
    )
  }

  /** Also of an internal topic, by its full name: `<applicationId>-<store>-changelog`. */
  outputTopic<K, V>(topic: string, serdes: KeyValueSerdes<K, V>): TestOutputTopic<K, V> {
    this.#producer.cachedTopic(topic)
    return new TestOutputTopic(this.#producer.produced.get(topic) as TopicLog, serdes)
  }

  /** Names of the topics that were written to, changelogs and repartition topics included. */
  producedTopics(): string[] {
    return [...this.#producer.produced].filter(([, log]) => log.records.length > 0).map(([topic]) => topic)
  }

  /** @throws StreamsError `STORE_NOT_FOUND`. */
  store<S>(name: string): S {
    const store = this.#state.stores.get(name) ?? this.#global?.stores.get(name)
    if (store !== undefined) return store as S
    throw new StreamsError(
      'STORE_NOT_FOUND',
      `There is no store '${name}'. The topology has ${[...this.#state.stores.keys(), ...(this.#global?.stores.keys() ?? [])].map(key => `'${key}'`).join(', ') || 'none'}.`,
      { details: { store: name } }
    )
  }

  /** Moves the wall clock on. */
  advanceWallClock(ms: number): void {
    this.#clock.advance(ms)
    this.#drain()
  }

  /** Waits for asynchronous punctuations, and processes what follows from them. */
  async settle(): Promise<void> {
    while (this.#task.punctuating !== undefined) {
      await this.#task.punctuating
      this.#drain()
    }
  }

  /** What an application does at every commit interval: empties the caches, writes the state. */
  async commit(): Promise<void> {
    // Emptying the caches may write to repartition topics, which are to be processed as well.
    do {
      await this.#task.prepareCommit()
      await this.#task.commitSucceeded()
      this.#drain()
    } while (this.#task.commitNeeded)
  }

  async close(): Promise<void> {
    await this.#task.close()
    await this.#global?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #inputLog(topic: string): TopicLog {
    const known = this.#inputs.get(topic) ?? this.#global?.inputs.get(topic)
    if (known !== undefined) return known
    if (!this.#sub.sourcePatterns.some(pattern => pattern.test(topic))) {
      throw new StreamsError(
        'TOPIC_MISSING',
        `The topology of '${this.#applicationId}' does not read '${topic}'. It reads ${[...this.#inputs.keys()].map(name => `'${name}'`).join(', ')}.`,
        { details: { topics: [topic] } }
      )
    }
    const log = new TopicLog(topic)
    this.#inputs.set(topic, log)
    this.#task.start([{ reader: new LogReader(log), metadata: '' }])
    return log
  }

  #pipe(log: TopicLog, key: Uint8Array | null, value: Uint8Array | null, timestampMs: number, headers: Headers): void {
    log.append(key, value, timestampMs, headers)
    this.#drain()
  }

  #drain(): void {
    const deadlineMs = Number.POSITIVE_INFINITY
    // With global tables, what a record writes to their topics is there for the next one.
    const maxRecords = this.#global === undefined ? Number.MAX_SAFE_INTEGER : 1
    do this.#global?.process()
    while (this.#task.process(deadlineMs, maxRecords) > 0)
  }
}
