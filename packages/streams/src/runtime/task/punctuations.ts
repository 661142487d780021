import type { Cancellable, NodeState, Punctuator } from '../../core/index.ts'
import type { ProcessorNode } from './processor-node.ts'

export interface Schedule {
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

  /**
   * What is due, in the order of deadlines, which move on: those that were missed altogether are skipped. Whether one was
   * cancelled has to be looked at before it is called: the one before may have done it.
   */
  takeDue(nowMs: number): Schedule[] {
    const due = this.#schedules.filter(schedule => schedule.next.value <= nowMs)
    due.sort((a, b) => a.next.value - b.next.value)
    for (const { next, intervalMs } of due) {
      const missed = Math.floor((nowMs - next.value) / intervalMs)
      next.value += (missed + 1) * intervalMs
    }
    this.#updateEarliest()
    return due
  }

  #updateEarliest(): void {
    let earliest = Number.POSITIVE_INFINITY
    for (const { next } of this.#schedules) earliest = Math.min(earliest, next.value)
    this.earliestMs = earliest
  }
}
