const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1]
] as const

const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/y
const INSTANT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z)?$/
/** From here on an instant is easier to read than a number of days. */
const INSTANTS_FROM_MS = 10 * 365 * 86_400_000
const LAST_INSTANT_MS = 8.64e15

/** Milliseconds of `5s`, `1m30s`, `250` (ms); undefined when it is none. */
export function parseSpan(text: string): number | undefined {
  if (/^\d+$/.test(text)) return whole(Number(text))
  let ms = 0
  let position = 0
  while (position < text.length) {
    PART.lastIndex = position
    const part = PART.exec(text)
    if (part === null) return undefined
    ms += Number(part[1]) * (UNITS.find(([unit]) => unit === part[2])?.[1] ?? Number.NaN)
    position = PART.lastIndex
  }
  return text === '' ? undefined : whole(ms)
}

/** As a span since the epoch, or an instant in UTC: `2026-01-31`, `2026-01-31T10:30Z`. */
export function parseEventTime(text: string): number | undefined {
  return INSTANT.test(text) ? whole(Date.parse(text)) : parseSpan(text)
}

/** The shortest of the forms that `parseEventTime` reads. */
export function eventTimeText(timeMs: number): string {
  if (timeMs >= INSTANTS_FROM_MS && timeMs <= LAST_INSTANT_MS) {
    return new Date(timeMs)
      .toISOString()
      .replace(/\.000Z$/, 'Z')
      .replace(/:00Z$/, 'Z')
      .replace(/T00:00Z$/, '')
  }
  if (!Number.isSafeInteger(timeMs) || timeMs <= 0) return String(timeMs)
  let text = ''
  let rest = timeMs
  for (const [unit, unitMs] of UNITS) {
    const count = Math.floor(rest / unitMs)
    if (count > 0) text += `${count}${unit}`
    rest -= count * unitMs
  }
  return text
}

/** '1.1s' is 1100 ms although 1.1 * 1000 is not. */
function whole(ms: number): number | undefined {
  const rounded = Math.round(ms)
  return Number.isSafeInteger(rounded) && Math.abs(ms - rounded) < 1e-6 ? rounded : undefined
}
