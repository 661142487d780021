import { DAY_MS } from './flight-data.ts'

/** Tumbling: each flight is in one week. Weeks begin on Thursdays, as 1970 did: windows count from there. */
export const WEEK_DAYS = 7
/** Hopping: as long as a week, and a new one begins each day, so each flight is in seven. */
export const MOVING_DAYS = 7

/** First and last day of a window of whole days: `2001-01-04 … 2001-01-10`, in UTC. */
export function windowName(startMs: number, days: number): string {
  return `${dayOf(startMs)} … ${dayOf(startMs + (days - 1) * DAY_MS)}`
}

export function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10)
}
