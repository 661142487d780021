import type { DelayTable } from './delay-table.ts'
import type { View } from './view.ts'
import { windowName } from './windows.ts'

/** For pipes and log files: a line when something is done. */
export class PlainView implements View {
  readonly #write: (line: string) => void

  constructor(write: (line: string) => void) {
    this.#write = write
  }

  loading(flightCount: number, of: number): void {
    if (flightCount === of) this.#write(`Loaded ${count(of)} flights and the airports. Counting …`)
  }

  counting(): void {}

  close(): void {}
}

export interface WindowLines {
  readonly table: DelayTable
  readonly windowDays: number
  /** Those that get a line of their own in each window; the last line is that of all states. */
  readonly states: readonly string[]
}

/** A line for each window, and each of the given states in it, that names both. */
export function windowLines({ table, windowDays, states }: WindowLines): string[] {
  return table.windowStartsMs().flatMap(startMs => {
    const line = (who: string, { flights, averageDelayMinutes }: { flights: number; averageDelayMinutes: number }) =>
      `${windowName(startMs, windowDays)}  ${who.padEnd(10)}  avg delay ${minutes(averageDelayMinutes)} min  ${count(flights).padStart(6)} flights`
    const ofStates = states.flatMap(state => {
      const row = table.get(startMs, state)
      return row === undefined ? [] : [line(state, row)]
    })
    const all = table.ofWindow(startMs)
    return all === undefined ? ofStates : [...ofStates, line('all states', all)]
  })
}

export const count = (number: number): string => number.toLocaleString('en-US')
const minutes = (number: number): string => number.toFixed(1).padStart(6)
