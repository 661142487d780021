/** What is known about the flights from one state in one window. The value of both output topics. */
export interface Delays {
  readonly flights: number
  readonly totalDelayMinutes: number
  readonly averageDelayMinutes: number
}

export interface DelayRow extends Delays {
  readonly state: string
  /** First instant of the window. */
  readonly startMs: number
}

/** Delays by window and state: of one output topic, or recomputed. A row that comes again replaces the earlier one. */
export class DelayTable {
  readonly #windows = new Map<number, Map<string, DelayRow>>()

  set(row: DelayRow): void {
    const states = this.#windows.get(row.startMs) ?? new Map<string, DelayRow>()
    states.set(row.state, row)
    this.#windows.set(row.startMs, states)
  }

  get(startMs: number, state: string): DelayRow | undefined {
    return this.#windows.get(startMs)?.get(state)
  }

  /** First instants of the windows, ascending. */
  windowStartsMs(): number[] {
    return [...this.#windows.keys()].sort((a, b) => a - b)
  }

  /** By window, then by state. */
  rows(): DelayRow[] {
    return this.windowStartsMs().flatMap(startMs => {
      const states = this.#windows.get(startMs) as Map<string, DelayRow>
      return [...states.values()].sort((a, b) => (a.state < b.state ? -1 : 1))
    })
  }

  /** All states of one window together; undefined where the window has no flight. */
  ofWindow(startMs: number): Delays | undefined {
    const rows = [...(this.#windows.get(startMs)?.values() ?? [])]
    if (rows.length === 0) return undefined
    const flights = sum(rows.map(row => row.flights))
    const totalDelayMinutes = sum(rows.map(row => row.totalDelayMinutes))
    return { flights, totalDelayMinutes, averageDelayMinutes: totalDelayMinutes / flights }
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
