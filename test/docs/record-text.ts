import type { Header, Headers, StreamRecord } from '@millrace/streams/core'

/** How docs/operators.md writes records: `clicks alice=3@5s (trace=7)`. */
export interface RecordText {
  readonly topic: string
  readonly key: unknown
  readonly value: unknown
  readonly timestampMs: number
  readonly headers: Headers
}

const RECORD = /^(\S+) (.*?)=(.*)@(\d+)(ms|s|m|h|d)?(?: \((.*)\))?$/
const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000]
]

export function parseRecord(text: string): RecordText {
  const match = RECORD.exec(text)
  if (match === null) throw new Error(`'${text}' is no record: write <topic> <key>=<value>@<time>.`)
  const [, topic = '', key = '', value = '', number, unit = 'ms', headers] = match
  return {
    topic,
    key: parseValue(key),
    value: parseValue(value),
    timestampMs: parseTime(`${number}${unit}`),
    headers: headers === undefined ? [] : headers.split(', ').map(parseHeader)
  }
}

export function recordText(
  topic: string,
  { key, value, timestampMs, headers }: StreamRecord<unknown, unknown>
): string {
  const tail =
    headers.length === 0
      ? ''
      : ` (${headers.map(([name, bytes]) => `${name}=${bytes === null ? 'null' : Buffer.from(bytes)}`).join(', ')})`
  return `${topic} ${valueText(key)}=${valueText(value)}@${timeText(timestampMs)}${tail}`
}

/** `5s`, `1m`; a number without a unit is milliseconds. */
export function parseTime(text: string): number {
  const [, number, unit] = /^(\d+)(ms|s|m|h|d)?$/.exec(text) ?? []
  if (number === undefined) throw new Error(`'${text}' is no time.`)
  return Number(number) * (UNITS.find(([name]) => name === unit)?.[1] ?? 1)
}

function timeText(ms: number): string {
  if (ms === 0) return '0'
  if (ms === Number.MAX_SAFE_INTEGER) return 'max'
  const [unit, length] = UNITS.find(([, unitMs]) => ms % unitMs === 0) ?? ['ms', 1]
  return `${ms / length}${unit}`
}

/** JSON where it is, else text. */
function parseValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function valueText(value: unknown): string {
  if (isWindowed(value)) return `[${valueText(value.key)}@${timeText(value.startMs)}/${timeText(value.endMs)}]`
  if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString('hex')}`
  return typeof value === 'string' && parseValue(value) === value ? value : JSON.stringify(value)
}

function isWindowed(value: unknown): value is { key: unknown; startMs: number; endMs: number } {
  return typeof value === 'object' && value !== null && 'startMs' in value && 'endMs' in value && 'key' in value
}

function parseHeader(text: string): Header {
  const [name = '', value = ''] = text.split('=')
  return [name, Buffer.from(value)]
}
