import type { NodeState, ProcessorContext } from '../../core/index.ts'
import type { UnmatchedStore } from './unmatched-rows.ts'

/** No record waits for a match. */
const NEVER = Number.MAX_SAFE_INTEGER

/** The times that both sides of a left or outer join share. They survive a restart. */
export class JoinTime {
  readonly #streamTime: NodeState
  readonly #minTime: NodeState
  #isSettled = false

  constructor(context: ProcessorContext<any, any>) {
    this.#streamTime = context.nodeState('stream-time', -1)
    this.#minTime = context.nodeState('min-time', NEVER)
  }

  /** Before the first record: rows may wait of which the committed metadata says nothing, after a reset of offsets say. */
  settle(unmatched: UnmatchedStore<any>): void {
    if (this.#isSettled) return
    this.#isSettled = true
    const first = this.hasWaiting ? undefined : unmatched.first()
    if (first !== undefined) this.lowerMin(first.key.timestampMs)
  }

  /** The largest timestamp that either side has seen. */
  get streamMs(): number {
    return this.#streamTime.value
  }

  observe(timestampMs: number): void {
    if (timestampMs > this.#streamTime.value) this.#streamTime.value = timestampMs
  }

  /** Nothing that waits has to be looked at before this time; set by the last scan and lowered by what came since. */
  get minMs(): number {
    return this.#minTime.value
  }

  get hasWaiting(): boolean {
    return this.#minTime.value !== NEVER
  }

  lowerMin(timestampMs: number): void {
    if (timestampMs < this.#minTime.value) this.#minTime.value = timestampMs
  }

  visited(timestampMs: number): void {
    this.#minTime.value = timestampMs
  }

  nothingVisited(): void {
    this.#minTime.value = NEVER
  }
}
