import type { Clock, PartitionReader } from '../ports/index.ts'
import type { RecordsToRestore } from '../state/task-state.ts'
import type { SourceNodeSpec } from '../topology/index.ts'
import { InputPartition } from './task/input-partition.ts'
import { SourceNode } from './task/source-node.ts'

/** Bytes that are written to disk at a time. */
const SLICE_BYTES = 4 * 1024 * 1024
/** How long reading may keep everything else waiting. */
const SLICE_MS = 5
/** Records between two looks at the clock. */
const CLOCK_RECORDS = 256

/** The error handler was asked when the record was processed; it said to go on, else there were no records after it. */
const ALREADY_HANDLED = { deserializationFailed: () => {} }

/** What is buffered of a changelog, handed out a slice after the other, until its end. */
export class ChangelogSlices implements RecordsToRestore {
  private readonly reader: PartitionReader
  private readonly endOffset: number
  private readonly clock: Clock
  /** What the source would make of the records; undefined for a changelog. */
  private readonly input: InputPartition | undefined
  private isLoaded = false
  private bytes = 0
  private deadlineMs = 0
  timestampMs = 0
  /** Records of this slice so far. */
  count = 0

  /** @param source - the source that reads the topic, when it is an input topic. */
  constructor(reader: PartitionReader, endOffset: number, source: SourceNodeSpec | undefined, clock: Clock) {
    this.reader = reader
    this.endOffset = endOffset
    this.clock = clock
    this.input =
      source === undefined ? undefined : new InputPartition(reader, new SourceNode(source, ALREADY_HANDLED), -1)
  }

  get buffer(): Uint8Array {
    return this.reader.buffer
  }

  get keyStart(): number {
    return this.reader.keyStart
  }

  get keyEnd(): number {
    return this.reader.keyEnd
  }

  get valueStart(): number {
    return this.reader.valueStart
  }

  get valueEnd(): number {
    return this.reader.valueEnd
  }

  /** Where reading goes on: before a record that is held. */
  get position(): number {
    return this.input?.nextOffset ?? this.reader.position
  }

  get isDone(): boolean {
    return this.position >= this.endOffset
  }

  get restoredTo(): number {
    return Math.min(this.position, this.endOffset)
  }

  /** When the record that reading waits for can be read; undefined when it waits for none. */
  get whenReady(): Promise<void> | undefined {
    return this.input?.held?.ready
  }

  /** Begins a slice. @returns whether there is a record for it. @throws what the reader throws. */
  begin(): boolean {
    this.bytes = 0
    this.count = 0
    this.deadlineMs = this.clock.monotonicMs() + SLICE_MS
    this.isLoaded = this.load()
    return this.isLoaded
  }

  next(): boolean {
    // The first was loaded at the slice's beginning.
    if (this.isLoaded) this.isLoaded = false
    else if (this.isFull || !this.load()) return false
    const { keyStart, keyEnd, valueStart, valueEnd } = this.reader
    this.bytes += keyEnd - keyStart + (valueEnd < 0 ? 0 : valueEnd - valueStart)
    this.count++
    return true
  }

  private get isFull(): boolean {
    if (this.bytes >= SLICE_BYTES) return true
    return this.count % CLOCK_RECORDS === 0 && this.clock.monotonicMs() >= this.deadlineMs
  }

  /** Moves to a record that is one of the table's. */
  private load(): boolean {
    const { reader, input } = this
    while (this.position < this.endOffset && (input ?? reader).next()) {
      // Beyond the end lie changes of a task that had not stopped when we began; they are ours only if committed, and
      // then they were before the end.
      if (reader.offset >= this.endOffset) return false
      if (reader.keyEnd < 0) continue
      const timestampMs = input === undefined ? reader.timestampMs : sourceTimestampMs(input)
      if (input?.held !== undefined) return false
      if (timestampMs === undefined) continue
      this.timestampMs = timestampMs
      return true
    }
    return false
  }
}

/** The time that the source gives to the record under the reader; undefined when it drops it. */
function sourceTimestampMs(input: InputPartition): number | undefined {
  const timestampMs = input.read()?.timestampMs
  if (timestampMs !== undefined && timestampMs > input.partitionTimeMs) input.partitionTimeMs = timestampMs
  return timestampMs
}
