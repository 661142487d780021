import type { DelayTable } from './delay-table.ts'

/** Shows how a run goes on. */
export interface View {
  loading(flightCount: number, of: number): void
  /** From here on `weekly` fills. */
  counting(weekly: DelayTable, of: number): void
  /** Shows the last state and lets go of the terminal. May be called more than once. */
  close(): void
}
