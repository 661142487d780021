import type { NodeState, ProcessorContext } from '../../core/index.ts'

/** No record waits for a match. */
const NEVER = Number.MAX_SAFE_INTEGER

/** The times that both sides of a left or outer join share. They survive a restart. */
export class JoinTime {
  readonly #streamTime: NodeState
  readonly #minTime: NodeState

  constructor(context: ProcessorContext<any, any>) {
    this.#streamTime = context.nodeState('stream-time', -1)
    this.#minTime = context.nodeState('min-time', NEVER)
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
