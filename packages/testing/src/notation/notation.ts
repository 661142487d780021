import { parseEventTime, parseSpan } from './event-time.ts'
import { notationError } from './notation-error.ts'

/** A key, value or header as it is written. */
export interface Term {
  /** A word, or JSON: what begins with a quote, a brace or a bracket. */
  readonly kind: 'word' | 'json'
  readonly text: string
  /** Of a windowed key: what stands in brackets behind it. */
  readonly window: TermWindow | undefined
  readonly position: number
}

export interface TermWindow {
  readonly startMs: number
  /** Undefined when it was left out. */
  readonly endMs: number | undefined
}

export interface RecordStep {
  readonly kind: 'record'
  /** Undefined: no key was written. */
  readonly key: Term | undefined
  readonly value: Term
  /** Undefined: none was written. */
  readonly time: { readonly ms: number; readonly isRelative: boolean } | undefined
  readonly headers: readonly (readonly [name: string, value: Term])[]
}

export interface IdleStep {
  readonly kind: 'idle'
  readonly ms: number
  readonly position: number
}

/**
 * Takes apart what is written in the notation for records in time. Steps stand between white space:
 *
 * ```
 * step   = record | '--idle' span | comment
 * record = [term ':'] term ['@' time] {'^' word '=' term}     key, value, event time, headers
 * term   = word | JSON, followed in windowed keys by '[' time ',' [time] (')' | ']')
 * time   = ['+'] span | instant                                '+': since the record before
 * span   = milliseconds | {number unit}                        ms, s, m, h, d: 1m30s
 * ```
 *
 * A word holds anything but white space and `: @ ^ " { } [ ]`, and does not begin with `#` or `--`. A comment begins with `#`
 * and ends with the line.
 *
 * @throws StreamsError `TEST_NOTATION_INVALID` with line, column and what was expected.
 */
export function parseNotation(text: string): (RecordStep | IdleStep)[] {
  return new NotationParser(text).parse()
}

const WORD = /[^\s:@^"{}[\]]+/y
const SPACE = /\s+/y
const NOT_SPACE = /\S*/y
const TIME = /[^\s^]*/y
const BOUND = /[^\s,)\]]*/y

class NotationParser {
  readonly #text: string
  #position = 0

  constructor(text: string) {
    this.#text = text
  }

  parse(): (RecordStep | IdleStep)[] {
    const steps: (RecordStep | IdleStep)[] = []
    for (;;) {
      this.#take(SPACE)
      if (this.#position >= this.#text.length) return steps
      if (this.#next === '#') this.#skipComment()
      else steps.push(this.#text.startsWith('--', this.#position) ? this.#idle() : this.#record())
    }
  }

  #skipComment(): void {
    const end = this.#text.indexOf('\n', this.#position)
    this.#position = end < 0 ? this.#text.length : end
  }

  #idle(): IdleStep {
    const start = this.#position
    const option = this.#take(NOT_SPACE)
    const [name, inline] = option.split('=', 2)
    if (name !== '--idle') this.#fail(start, `'${option}' is no option; there is --idle, such as --idle 30s`)
    if (inline === undefined) this.#take(SPACE)
    const spanStart = inline === undefined ? this.#position : start + '--idle='.length
    const span = inline ?? this.#take(NOT_SPACE)
    const ms = parseSpan(span)
    if (ms === undefined) this.#fail(spanStart, `--idle needs a span of time, such as 30s${foundText(span)}`)
    return { kind: 'idle', ms, position: start }
  }

  #record(): RecordStep {
    const first = this.#term('a key or a value')
    const hasKey = this.#accept(':')
    const value = hasKey ? this.#term('a value after the colon, null for none') : first
    if (!hasKey && first.window !== undefined) {
      this.#fail(this.#position, `':' and a value expected after a windowed key${foundText(this.#next)}`)
    }
    const time = this.#accept('@') ? this.#time() : undefined
    const headers: [string, Term][] = []
    while (this.#accept('^')) headers.push(this.#header())
    if (this.#position < this.#text.length && !/\s/.test(this.#next)) {
      const before = hasKey ? '' : "':', "
      this.#fail(this.#position, `${before}'@', '^' or white space expected${foundText(this.#next)}`)
    }
    return { kind: 'record', key: hasKey ? first : undefined, value, time, headers }
  }

  #term(expected: string): Term {
    const position = this.#position
    if (this.#next === '"' || this.#next === '{' || this.#next === '[') {
      const text = this.#json()
      return { kind: 'json', text, window: this.#window(), position }
    }
    const text = this.#take(WORD)
    if (text === '') this.#fail(position, `${expected}, expected${foundText(this.#next)}`)
    return { kind: 'word', text, window: this.#window(), position }
  }

  /** To the quote or bracket that closes it. */
  #json(): string {
    const start = this.#position
    const open: string[] = []
    let isQuoted = false
    do {
      const char = this.#next
      if (char === '') this.#fail(start, `the end of what begins here, expected${foundText('')}`)
      this.#position++
      if (isQuoted) {
        if (char === '\\') this.#position++
        else if (char === '"') isQuoted = false
      } else if (char === '"') isQuoted = true
      else if (char === '{') open.push('}')
      else if (char === '[') open.push(']')
      else if (char === '}' || char === ']') {
        if (open.pop() !== char) this.#fail(this.#position - 1, `'${char}' closes nothing`)
      }
    } while (isQuoted || open.length > 0)
    const text = this.#text.slice(start, this.#position)
    try {
      JSON.parse(text)
    } catch (error) {
      this.#fail(start, `JSON expected: ${(error as Error).message}`)
    }
    return text
  }

  #window(): TermWindow | undefined {
    if (!this.#accept('[')) return undefined
    const startMs = this.#bound('the start of the window')
    if (!this.#accept(',')) this.#fail(this.#position, `',' and the end of the window expected${foundText(this.#next)}`)
    const isOpen = this.#next === ')' || this.#next === ']'
    const endMs = isOpen ? undefined : this.#bound('the end of the window')
    if (!this.#accept(')') && !this.#accept(']')) {
      this.#fail(this.#position, `')' or ']' expected${foundText(this.#next)}`)
    }
    return { startMs, endMs }
  }

  #bound(expected: string): number {
    const start = this.#position
    const text = this.#take(BOUND)
    return parseEventTime(text) ?? this.#fail(start, `${expected}, such as 5s, expected${foundText(text)}`)
  }

  #time(): { ms: number; isRelative: boolean } {
    const isRelative = this.#accept('+')
    const start = this.#position
    const text = this.#take(TIME)
    const ms = isRelative ? parseSpan(text) : parseEventTime(text)
    if (ms !== undefined) return { ms, isRelative }
    return this.#fail(start, `a time expected: 1500, 5s, 1m30s, +5s or 2026-01-31T10:30Z${foundText(text)}`)
  }

  #header(): [string, Term] {
    const start = this.#position
    const end = this.#text.indexOf('=', start)
    const name = end < 0 ? '' : this.#text.slice(start, end)
    if (!/^[^\s:@^"{}[\]]+$/.test(name)) {
      this.#fail(start, `a header expected, such as ^source=web${foundText(this.#next)}`)
    }
    this.#position = end + 1
    return [name, this.#term(`a value of the header '${name}', null for none`)]
  }

  get #next(): string {
    return this.#text[this.#position] ?? ''
  }

  #accept(char: string): boolean {
    if (this.#next !== char) return false
    this.#position++
    return true
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#position
    const found = pattern.exec(this.#text)?.[0] ?? ''
    this.#position += found.length
    return found
  }

  #fail(position: number, problem: string): never {
    throw notationError(this.#text, position, problem)
  }
}

function foundText(found: string): string {
  return found === '' ? '; found the end' : `; found '${found}'`
}
