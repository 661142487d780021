import type { DelayTable } from './delay-table.ts'
import { count } from './plain-view.ts'

export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan'
export type Paint = (style: Style, text: string) => string

export interface TableFrame {
  /** Undefined while loading. */
  readonly weekly: DelayTable | undefined
  /** Flights. */
  readonly loaded: number
  readonly total: number
  /** Most flights first: where the terminal is short, the last ones are left out. */
  readonly states: readonly string[]
  readonly weekStartsMs: readonly number[]
  /** Size of the terminal. */
  readonly columns: number
  readonly rows: number
  readonly paint: Paint
}

const LABEL_WIDTH = 8
const MIN_CELL_WIDTH = 5
const MAX_CELL_WIDTH = 8
/** Title, key, two lines of dates, flights, bars, two blank ones, progress; one for the cursor and six for the summary. */
const OTHER_LINES = 16
const MIN_STATES = 5
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']

/** The lines of one picture: states downwards, weeks across, average delays in between; no line is wider than the terminal. */
export function renderTable(frame: TableFrame): string[] {
  const { weekly, states, columns, rows, paint } = frame
  const space = columns - 1 - LABEL_WIDTH
  const weekCount = Math.min(frame.weekStartsMs.length, Math.floor(space / MIN_CELL_WIDTH))
  const weeks = frame.weekStartsMs.slice(-weekCount)
  const cellWidth = Math.min(MAX_CELL_WIDTH, Math.floor(space / weekCount))
  const shown = states.slice(0, Math.max(MIN_STATES, rows - OTHER_LINES))

  /** The longest of the texts that leaves a gap to the cell before, right-aligned. */
  const cell = (texts: string | readonly string[], style?: Style): string => {
    const all = typeof texts === 'string' ? [texts] : texts
    const padded = (all.find(text => text.length < cellWidth) ?? (all.at(-1) as string)).padStart(cellWidth)
    return style === undefined ? padded : paint(style, padded)
  }
  const line = (label: string, cells: readonly string[]): string => label.padEnd(LABEL_WIDTH) + cells.join('')
  const delay = (minutes: number | undefined): string =>
    minutes === undefined ? cell('·', 'dim') : cell([minutes.toFixed(1), minutes.toFixed(0)], delayStyle(minutes))

  const all = weeks.map(startMs => weekly?.ofWindow(startMs))
  return [
    paint('bold', 'Average delay in minutes, by state of origin and week'),
    `${paint('green', 'early')}  up to 10  ${paint('yellow', 'up to 20')}  ${paint('red', 'more')}`,
    '',
    paint(
      'dim',
      line(
        'week of',
        monthNames(weeks).map(month => cell(month))
      )
    ),
    paint(
      'dim',
      line(
        '(UTC)',
        weeks.map(startMs => cell(String(new Date(startMs).getUTCDate())))
      )
    ),
    ...shown.map(state =>
      line(
        state,
        weeks.map(startMs => delay(weekly?.get(startMs, state)?.averageDelayMinutes))
      )
    ),
    line(
      'all',
      all.map(total => delay(total?.averageDelayMinutes))
    ),
    line(
      'flights',
      all.map(total => cell(total === undefined ? '·' : [count(total.flights), String(total.flights)], 'dim'))
    ),
    line(
      '',
      bars(all.map(total => total?.flights ?? 0)).map(bar => cell(bar.repeat(cellWidth - 1), 'cyan'))
    ),
    '',
    progressLine(frame)
  ]
}

function delayStyle(minutes: number): Style | undefined {
  if (minutes < 0) return 'green'
  if (minutes <= 10) return undefined
  return minutes <= 20 ? 'yellow' : 'red'
}

/** The name of a month above its first week. */
function monthNames(weekStartsMs: readonly number[]): string[] {
  const months = weekStartsMs.map(startMs => new Date(startMs).getUTCMonth())
  return months.map((month, index) => (month === months[index - 1] ? '' : (MONTHS[month] as string)))
}

/** A block for each window, as high as it is full beside the fullest. */
function bars(counts: readonly number[]): string[] {
  const most = Math.max(1, ...counts)
  return counts.map(flights => (flights === 0 ? ' ' : (BARS[Math.ceil((flights / most) * BARS.length) - 1] as string)))
}

function progressLine({ weekly, loaded, total, columns, paint }: TableFrame): string {
  const done = weekly === undefined ? loaded : totalFlights(weekly)
  const what = weekly === undefined ? 'Loading ' : 'Counting'
  const width = Math.min(40, columns - 40)
  const filled = total === 0 ? 0 : Math.round((done / total) * width)
  const bar = paint('cyan', '━'.repeat(filled)) + paint('dim', '─'.repeat(width - filled))
  return `${what} ${bar} ${count(done)}${total === 0 ? '' : ` of ${count(total)}`} flights`
}

function totalFlights(weekly: DelayTable): number {
  return weekly.windowStartsMs().reduce((sum, startMs) => sum + (weekly.ofWindow(startMs)?.flights ?? 0), 0)
}
