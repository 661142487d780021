import { styleText } from 'node:util'
import type { DelayTable } from './delay-table.ts'
import { type Paint, renderTable } from './render-table.ts'
import type { View } from './view.ts'

const FRAME_MS = 100
const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
const CLEAR_LINE_END = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'

/** Draws the weekly windows in place, again and again while they fill. */
export class LiveView implements View {
  readonly #terminal: NodeJS.WriteStream
  readonly #states: readonly string[]
  readonly #weekStartsMs: readonly number[]
  readonly #timer: NodeJS.Timeout
  readonly #paint: Paint
  #weekly: DelayTable | undefined
  #loaded = 0
  #total = 0
  #drawnLineCount = 0
  #closed = false

  constructor(terminal: NodeJS.WriteStream, states: readonly string[], weekStartsMs: readonly number[]) {
    this.#terminal = terminal
    this.#states = states
    this.#weekStartsMs = weekStartsMs
    this.#paint = (style, text) => styleText(style, text, { stream: terminal })
    terminal.write(HIDE_CURSOR)
    this.#draw()
    this.#timer = setInterval(() => this.#draw(), FRAME_MS)
  }

  loading(flightCount: number, of: number): void {
    this.#loaded = flightCount
    this.#total = of
  }

  counting(weekly: DelayTable, of: number): void {
    this.#weekly = weekly
    this.#total = of
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#timer)
    this.#draw()
    this.#terminal.write(SHOW_CURSOR)
  }

  #draw(): void {
    const lines = renderTable({
      weekly: this.#weekly,
      loaded: this.#loaded,
      total: this.#total,
      states: this.#states,
      weekStartsMs: this.#weekStartsMs,
      columns: this.#terminal.columns,
      rows: this.#terminal.rows,
      paint: this.#paint
    })
    const up = this.#drawnLineCount === 0 ? '' : `\x1b[${this.#drawnLineCount}A`
    this.#terminal.write(`\r${up}${lines.map(line => `${line}${CLEAR_LINE_END}\n`).join('')}${CLEAR_BELOW}`)
    this.#drawnLineCount = lines.length
  }
}
