import { MockClock } from '@millrace/testing'
import { StreamsError } from '../../core/index.ts'
import {
  type Fetcher,
  type GroupListener,
  type GroupMember,
  type GroupMetadata,
  type KafkaAdmin,
  type PartitionReader,
  type RecordProducer,
  SILENT_LOGGER,
  type TopicPartition
} from '../../ports/index.ts'
import { StreamLoop, type StreamLoopOptions } from '../stream-loop.ts'
import { resolveConfig } from '../resolve-config.ts'
import type { HeldRecord } from '../task/held-record.ts'
import type { Task } from '../task/task.ts'
import { parseTaskId } from '../task-id.ts'
import type { TaskOpener, TaskStart } from '../task-opener.ts'
import type { TaskOpening } from '../task-openings.ts'

const STEP_MS = 10
const GROUP: GroupMetadata = { groupId: 'app', generationId: 1, memberId: 'member', groupInstanceId: undefined }

/** How a task that is opened behaves; each part has a default that does nothing. */
export interface StubTask {
  process?: () => number
  prepareCommit?: () => void
  expireStep?: () => boolean
  commitNeeded?: boolean
  held?: HeldRecord | undefined
}

export interface LoopBenchOptions {
  readonly producer?: Partial<RecordProducer>
  readonly admin?: Partial<KafkaAdmin>
  /** Default: every task is ready at once. Of what is returned, those that are not ready are waited for until cancelled. */
  readonly isReady?: (taskId: string) => boolean
  readonly task?: (taskId: string) => StubTask
  readonly knows?: () => boolean
  readonly inputsOf?: (taskId: string) => TopicPartition[]
  readonly replan?: () => Promise<boolean>
  readonly leave?: () => Promise<void>
}

/** A loop over stand-ins for everything around it. Time passes only while something is awaited. */
export class LoopBench {
  readonly clock = new MockClock()
  readonly loop: StreamLoop
  readonly listener: GroupListener
  /** What happened, in order: `open 0_0`, `close 0_0`, `commit`. */
  readonly events: string[] = []
  /** What the fetcher was told to read: partition and offset. */
  readonly readFrom: string[] = []
  /** Settles when the loop ends. */
  readonly ended: Promise<void>
  metadata: GroupMetadata | undefined = GROUP
  readonly #options: LoopBenchOptions
  readonly #wakers = new Set<() => void>()

  constructor(options: LoopBenchOptions = {}) {
    this.#options = options
    const loopOptions: StreamLoopOptions = {
      config: resolveConfig({ applicationId: 'app', processingGuarantee: 'exactly_once' }),
      clock: this.clock,
      eventLoop: { nextTurn, holdOpen: () => () => {} },
      logger: SILENT_LOGGER,
      admin: (options.admin ?? {}) as KafkaAdmin,
      fetcher: this.#fetcher(),
      producer: this.#producer(options.producer ?? {}),
      opener: this.#opener(),
      endTracker: undefined,
      repartitionTopics: new Set(),
      replan: options.replan ?? (async () => false),
      usesPatterns: false,
      onReadiness: () => {}
    }
    this.loop = new StreamLoop(loopOptions)
    let listener: GroupListener | undefined
    this.ended = this.loop.run(given => {
      listener = given
      return this.#group()
    })
    this.ended.catch(() => {})
    this.listener = listener as unknown as GroupListener
  }

  /** Tells the loop that these partitions of its one topic are all that it has. */
  async assign(...partitions: number[]): Promise<void> {
    await this.within(1_000, this.listener.onAssigned([], partitions.map(partitionOf), Buffer.alloc(0)))
  }

  /** Lets time pass until `promise` settles. @throws when it does not in time: something hangs. */
  async within<T>(limitMs: number, promise: Promise<T>): Promise<T> {
    let settled = false
    const settle = () => {
      settled = true
    }
    promise.then(settle, settle)
    await this.until(limitMs, () => settled)
    return await promise
  }

  async until(limitMs: number, condition: () => boolean): Promise<void> {
    const untilMs = this.clock.monotonicMs() + limitMs
    for (;;) {
      // Some turns: a step of time must not overtake what follows from the last one.
      for (let turn = 0; turn < 5; turn++) await nextTurn()
      if (condition()) return
      if (this.clock.monotonicMs() >= untilMs) throw new Error(`nothing came of it within ${limitMs} ms`)
      this.clock.advance(STEP_MS)
    }
  }

  async pass(ms: number): Promise<void> {
    const untilMs = this.clock.monotonicMs() + ms
    await this.until(ms, () => this.clock.monotonicMs() >= untilMs)
  }

  async stop(): Promise<void> {
    this.loop.stop()
    await this.within(10_000, this.ended)
  }

  #fetcher(): Fetcher {
    return {
      wait: (ms: number) =>
        new Promise<void>(resolve => {
          const done = () => {
            cancel()
            this.#wakers.delete(done)
            resolve()
          }
          const cancel = this.clock.setTimer(ms, done)
          this.#wakers.add(done)
        }),
      wake: () => {
        for (const wake of this.#wakers) wake()
      },
      add: ({ partition }: TopicPartition, offset: number) => {
        this.readFrom.push(`${partition}@${offset}`)
        return {} as PartitionReader
      },
      remove: () => {},
      close: async () => {}
    } as unknown as Fetcher
  }

  #producer(overrides: Partial<RecordProducer>): RecordProducer {
    const commit = async (...args: Parameters<RecordProducer['commit']>) => {
      this.events.push('commit')
      await overrides.commit?.(...args)
    }
    return {
      full: false,
      abort: async () => {},
      reset: async () => {},
      ...overrides,
      commit
    } as unknown as RecordProducer
  }

  #group(): GroupMember {
    const metadata = () => this.metadata
    return {
      get metadata() {
        return metadata()
      },
      leave: this.#options.leave ?? (async () => {}),
      rejoin: () => {}
    } as unknown as GroupMember
  }

  #opener(): TaskOpener {
    const { isReady = () => true, knows = () => true, inputsOf = (taskId: string) => [inputOf(taskId)] } = this.#options
    const open = async (
      openings: readonly TaskOpening[],
      _producer: RecordProducer,
      onReady: (opening: TaskOpening, start: TaskStart) => void
    ) => {
      for (const opening of openings) {
        this.events.push(`open ${opening.taskId}`)
        if (isReady(opening.taskId)) onReady(opening, this.#start(opening))
      }
      const waiting = new Set(openings.filter(({ ready }) => ready === undefined))
      while (waiting.size > 0) {
        await new Promise<void>(resolve => void this.clock.setTimer(STEP_MS, resolve))
        for (const opening of waiting) {
          if (!opening.cancelled) continue
          opening.end()
          waiting.delete(opening)
        }
      }
    }
    const tasksOf = (partitions: readonly TopicPartition[]) => partitions.map(({ partition }) => `0_${partition}`)
    return { open, knows, inputsOf, tasksOf, resetPolicyOf: () => 'earliest' } as unknown as TaskOpener
  }

  #start({ taskId, inputs }: TaskOpening): TaskStart {
    const stub = this.#options.task?.(taskId) ?? {}
    const { events } = this
    const task = {
      taskId,
      partition: parseTaskId(taskId).partition,
      positions: inputs.map(input => ({ ...input, offset: 0, endOffset: 0 })),
      get commitNeeded() {
        return stub.commitNeeded ?? false
      },
      get held() {
        return stub.held
      },
      waitsForInput: false,
      nextWallClockMs: Number.POSITIVE_INFINITY,
      punctuating: undefined,
      state: { uncommittedBytes: 0, expireStep: async () => stub.expireStep?.() ?? false },
      start: () => {},
      process: () => stub.process?.() ?? 0,
      prepareCommit: async () => {
        stub.prepareCommit?.()
        return [{ ...inputOf(taskId), offset: 1, metadata: '' }]
      },
      commitSucceeded: async () => {},
      committedOffsets: () => new Map(),
      close: async () => void events.push(`close ${taskId}`)
    }
    return { task: task as unknown as Task, inputs: inputs.map(startOf) }
  }
}

/** An error of a broker that is away for a while. */
export function away(): StreamsError {
  return new StreamsError('CLIENT_REQUEST_TIMED_OUT', 'The broker is away.')
}

export function partitionOf(partition: number): TopicPartition {
  return { topic: 'input', partition }
}

function inputOf(taskId: string): TopicPartition {
  return partitionOf(parseTaskId(taskId).partition)
}

function startOf(input: TopicPartition) {
  return { ...input, offset: 0, leaderEpoch: -1, metadata: '', isCommitted: true }
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => void setImmediate(resolve))
}
