import type { Cancellable, NodeState, Punctuator } from '../../core/index.ts'
import type { ProcessorNode } from './processor-node.ts'

interface Schedule {
  readonly node: ProcessorNode
  readonly intervalMs: number
  readonly punctuator: Punctuator
  /** The next deadline; committed with the offsets, so that it survives a restart. */
  readonly next: NodeState
  cancelled: boolean
}

/** Not yet known: a deadline that was never committed. */
export const NO_DEADLINE = -1

/** The schedules of one kind of time of one task. */
export class Punctuations {
  #schedules: Schedule[] = []
  /** The earliest deadline; infinite when there is none. Compared for every record. */
  earliestMs = Number.POSITIVE_INFINITY

  add(node: ProcessorNode, intervalMs: number, punctuator: Punctuator, next: NodeState): Cancellable {
    const schedule = { node, intervalMs, punctuator, next, cancelled: false }
    this.#schedules.push(schedule)
    this.#updateEarliest()
    return {
      cancel: () => {
        schedule.cancelled = true
        this.#schedules = this.#schedules.filter(candidate => candidate !== schedule)
        this.#updateEarliest()
      }
    }
  }

  /** Calls what is due, in the order of deadlines. Returns the promises of those that are asynchronous. */
  run(nowMs: number, call: (node: ProcessorNode, punctuator: Punctuator) => void | Promise<void>): Promise<void>[] {
    const pending: Promise<void>[] = []
    const due = this.#schedules.filter(schedule => schedule.next.value <= nowMs)
    due.sort((a, b) => a.next.value - b.next.value)
    for (const schedule of due) {
      // Deadlines that were missed altogether are skipped. Set first: the call may cancel, or schedule others.
      const missed = Math.floor((nowMs - schedule.next.value) / schedule.intervalMs)
      schedule.next.value += (missed + 1) * schedule.intervalMs
      if (schedule.cancelled) continue
      const result = call(schedule.node, schedule.punctuator)
      if (result !== undefined) pending.push(result)
    }
    this.#updateEarliest()
    return pending
  }

  #updateEarliest(): void {
    let earliest = Number.POSITIVE_INFINITY
    for (const { next } of this.#schedules) earliest = Math.min(earliest, next.value)
    this.earliestMs = earliest
  }
}
