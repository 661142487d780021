import { type Headers, type KeyValueSerdes, NO_HEADERS, type Serde, type StreamRecord } from '@millrace/streams/core'
import { eventTimeText } from './event-time.ts'
import { parseNotation, type RecordStep, type Term } from './notation.ts'
import { notationError } from './notation-error.ts'
import { plainText, termOf, valueOf } from './typed-term.ts'

/** A record that is to be sent, or a stretch of time in which none comes. */
export type InputStep<K, V> =
  | { readonly kind: 'record'; readonly record: StreamRecord<K | null, V | null> }
  | { readonly kind: 'idle'; readonly ms: number }

/** A record as it is expected; what is undefined was not written, and may be anything. */
export interface ExpectedRecord<K, V> {
  readonly key: K | null
  readonly value: V | null
  readonly timestampMs: number | undefined
  readonly headers: Headers | undefined
}

/**
 * @param previousMs - event time of the record before: of a record without one, and where a relative one begins.
 * @throws StreamsError `TEST_NOTATION_INVALID`
 */
export function inputSteps<K, V>(
  notation: string,
  serdes: KeyValueSerdes<K, V>,
  previousMs: number
): InputStep<K, V>[] {
  let timestampMs = previousMs
  return parseNotation(notation).map((step): InputStep<K, V> => {
    if (step.kind === 'idle') return { kind: 'idle', ms: step.ms }
    timestampMs = timeOf(step, timestampMs) ?? timestampMs
    const headers = step.headers.length === 0 ? NO_HEADERS : headersOf(step, notation)
    return { kind: 'record', record: { ...keyAndValue(step, serdes, notation), timestampMs, headers } }
  })
}

/**
 * Values are as the serde would read them, so that they compare with what was read.
 *
 * @throws StreamsError `TEST_NOTATION_INVALID`; what the serde throws for a value that it can't write.
 */
export function expectedRecords<K, V>(
  notation: string,
  serdes: KeyValueSerdes<K, V>,
  topic: string
): ExpectedRecord<K, V>[] {
  let previousMs = 0
  return parseNotation(notation).map(step => {
    if (step.kind === 'idle') throw notationError(notation, step.position, 'records expected; --idle is for inputs')
    const timestampMs = timeOf(step, previousMs)
    previousMs = timestampMs ?? previousMs
    const { key, value } = keyAndValue(step, serdes, notation)
    return {
      key: readBack(key, serdes.key, topic, true),
      value: readBack(value, serdes.value, topic, false),
      timestampMs,
      headers: step.headers.length === 0 ? undefined : headersOf(step, notation)
    }
  })
}

/** In the same notation. A key that is null is left out. */
export function recordText<K, V>(
  { key, value, timestampMs, headers = NO_HEADERS }: ExpectedRecord<K, V>,
  serdes: KeyValueSerdes<K, V>
): string {
  const keyText = key === null ? '' : `${termOf(key, serdes.key as Serde<unknown>)}:`
  const time = timestampMs === undefined ? '' : `@${eventTimeText(timestampMs)}`
  const headerText = headers.map(([name, bytes]) => `^${name}=${headerTerm(bytes)}`).join('')
  return `${keyText}${termOf(value, serdes.value as Serde<unknown>)}${time}${headerText}`
}

function keyAndValue<K, V>({ key, value }: RecordStep, serdes: KeyValueSerdes<K, V>, notation: string) {
  return {
    key: key === undefined ? null : valueOf(key, serdes.key, notation),
    value: valueOf(value, serdes.value, notation)
  }
}

function timeOf({ time }: RecordStep, previousMs: number): number | undefined {
  return time === undefined ? undefined : time.ms + (time.isRelative ? previousMs : 0)
}

const TEXT = { name: 'string' } as Serde<string>
const HEXADECIMAL = /^0x([\da-f]{2})*$/i

function headersOf({ headers }: RecordStep, notation: string): Headers {
  return headers.map(([name, term]: readonly [string, Term]) => {
    if (term.kind === 'word' && HEXADECIMAL.test(term.text)) return [name, Buffer.from(term.text.slice(2), 'hex')]
    const text = valueOf(term, TEXT, notation)
    return [name, text === null ? null : Buffer.from(text)]
  })
}

function headerTerm(bytes: Uint8Array | null): string {
  if (bytes === null) return 'null'
  const text = Buffer.from(bytes).toString()
  if (!Buffer.from(text).equals(bytes)) return plainText(bytes)
  return HEXADECIMAL.test(text) ? JSON.stringify(text) : termOf(text, TEXT)
}

function readBack<T>(value: T | null, serde: Serde<T>, topic: string, isKey: boolean): T | null {
  if (value === null) return null
  const bytes = serde.serialize(value, { topic, isKey })
  return serde.deserialize(Buffer.from(bytes), { topic, isKey })
}
