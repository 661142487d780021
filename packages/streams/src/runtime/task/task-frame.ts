import type { RecordMetadata, StateStore } from '../../core/index.ts'
import type { Clock } from '../../ports/index.ts'
import type { InputPartition } from './input-partition.ts'
import type { NodeStates } from './node-states.ts'
import { Punctuations } from './punctuations.ts'
import type { TaskErrors } from './task-errors.ts'
import type { AnyStreamRecord } from './task-node.ts'

/** What all nodes of a task share. */
export class TaskFrame {
  readonly applicationId: string
  readonly taskId: string
  readonly partition: number
  readonly stores: ReadonlyMap<string, StateStore>
  /** Read-only; every node may have them. */
  readonly globalStores: ReadonlyMap<string, StateStore>
  readonly nodeStates: NodeStates
  readonly errors: TaskErrors
  readonly clock: Clock
  readonly streamTimePunctuations = new Punctuations()
  readonly wallClockPunctuations = new Punctuations()

  /** Largest timestamp taken from any input; -1 before the first record. */
  streamTimeMs = -1
  /** The input record in work, and where it came from; undefined while a cache is flushed, and in punctuations. */
  input: AnyStreamRecord | undefined
  inputPartition: InputPartition | undefined
  /** Time of the record that a processor with stores of its own works on, or of the punctuation: their changelogs have it. */
  recordTimestampMs = 0
  /** What the task has to wait for before the next record and before a commit; none of them rejects with what a handler has let pass. */
  readonly awaited: Promise<unknown>[] = []

  constructor(options: {
    applicationId: string
    taskId: string
    partition: number
    stores: ReadonlyMap<string, StateStore>
    globalStores: ReadonlyMap<string, StateStore>
    nodeStates: NodeStates
    errors: TaskErrors
    clock: Clock
  }) {
    this.applicationId = options.applicationId
    this.taskId = options.taskId
    this.partition = options.partition
    this.stores = options.stores
    this.globalStores = options.globalStores
    this.nodeStates = options.nodeStates
    this.errors = options.errors
    this.clock = options.clock
  }

  recordMetadata(): RecordMetadata | undefined {
    const from = this.inputPartition
    return from === undefined ? undefined : { topic: from.topic, partition: from.partition, offset: from.reader.offset }
  }
}
