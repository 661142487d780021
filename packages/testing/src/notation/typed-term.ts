import type { Serde, Windowed } from '@millrace/streams/core'
import { eventTimeText } from './event-time.ts'
import type { Term } from './notation.ts'
import { notationError } from './notation-error.ts'

const WINDOWED = /^(windowed|session)-key\(/
const NUMBERS = ['int32', 'int64', 'float64']
/** Serdes whose values are text: a word is that text, whatever it looks like. */
const TEXTS = ['string', 'uuid']
const SAFE_WORD = /^(?!--|#)[^\s:@^"{}[\]]+$/

/**
 * The value that a term stands for, as the serde takes it. `null` is always a null. With `string()` and `uuid()` any
 * other word is its text, with numbers a number, with `bytes()` hexadecimal digits after `0x`; with all others JSON, or else
 * the word as a text.
 *
 * @throws StreamsError `TEST_NOTATION_INVALID`
 */
export function valueOf<T>(term: Term, serde: Serde<T>, notation: string): T | null {
  if (term.kind === 'word' && term.text === 'null') return null
  return typed(term, serde, notation) as T
}

function typed(term: Term, serde: Serde<unknown>, notation: string): unknown {
  const fail = (problem: string): never => {
    throw notationError(notation, term.position, problem)
  }
  const { kind, text, window } = term
  const inner = innerSerde(serde)
  if (inner !== undefined) {
    if (window === undefined) return fail(`a windowed key expected, such as ${text}[0,5s), for ${serde.name}`)
    const key = typed({ ...term, window: undefined }, inner, notation)
    return { key, startMs: window.startMs, endMs: window.endMs ?? Number.MAX_SAFE_INTEGER }
  }
  if (window !== undefined)
    return fail(`'${text}' has a window, but the serde ${serde.name} is not one of windowed keys`)
  if (TEXTS.includes(serde.name)) {
    if (kind === 'word') return text
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' ? value : fail(`a text expected for the serde ${serde.name}: a word or "…"`)
  }
  if (NUMBERS.includes(serde.name)) {
    const value = kind === 'word' ? Number(text) : Number.NaN
    return !Number.isNaN(value) || text === 'NaN' ? value : fail(`a number expected for the serde ${serde.name}`)
  }
  if (serde.name === 'bytes') {
    return /^0x([\da-f]{2})*$/i.test(text)
      ? Buffer.from(text.slice(2), 'hex')
      : fail('bytes expected in hexadecimal digits, such as 0x01ff')
  }
  return kind === 'json' ? (JSON.parse(text) as unknown) : jsonOrWord(text)
}

function jsonOrWord(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The term for a value that a serde gave: `valueOf` reads it back. */
export function termOf(value: unknown, serde: Serde<unknown>): string {
  if (value === null) return 'null'
  const inner = innerSerde(serde)
  if (inner !== undefined) {
    return windowedTerm(termOf((value as Windowed<unknown>).key, inner), value as Windowed<unknown>, closing(serde))
  }
  if (typeof value === 'string') {
    const isPlain = SAFE_WORD.test(value) && value !== 'null'
    return isPlain && (TEXTS.includes(serde.name) || isNoJson(value)) ? value : JSON.stringify(value)
  }
  if (typeof value === 'number') return String(value)
  return plainText(value)
}

export function windowedTerm(key: string, { startMs, endMs }: Windowed<unknown>, close: ')' | ']'): string {
  const end = endMs === Number.MAX_SAFE_INTEGER ? '' : eventTimeText(endMs)
  return `${key}[${eventTimeText(startMs)},${end}${close}`
}

/** JSON, and what JSON lacks in the words of JavaScript. */
export function plainText(value: unknown): string {
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return String(value)
  const replaced = (_name: string, part: unknown) =>
    part instanceof Uint8Array || typeof part === 'bigint' ? plainText(part) : part
  return JSON.stringify(value, replaced) ?? String(value)
}

function isNoJson(word: string): boolean {
  return typeof jsonOrWord(word) === 'string'
}

function innerSerde(serde: Serde<unknown>): Serde<unknown> | undefined {
  return WINDOWED.test(serde.name) && 'inner' in serde ? (serde.inner as Serde<unknown>) : undefined
}

function closing(serde: Serde<unknown>): ')' | ']' {
  return serde.name.startsWith('session') ? ']' : ')'
}
