import { StreamsError } from './errors.ts'

/** Timers, and most fields of Kafka's protocol, hold no more. */
export const MAX_INT = 2_147_483_647

/** Whole numbers that an option may have. */
export interface IntegerRange {
  readonly min: number
  /** Default `MAX_INT`. */
  readonly max?: number
}

/**
 * The value of an option that is a whole number; undefined where it was not given.
 *
 * @param where - put before the name in errors: `producer.`
 * @throws StreamsError `CONFIG_INVALID`
 */
export function integerOption(
  options: object,
  name: string,
  { min, max = MAX_INT }: IntegerRange,
  where = ''
): number | undefined {
  const value: unknown = (options as Record<string, unknown>)[name]
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value
  const unit = name.endsWith('Ms') ? ' (milliseconds)' : name.endsWith('Bytes') ? ' (bytes)' : ''
  const bound = max === MAX_INT && typeof value === 'number' && value < min ? `at least ${min}` : `${min} to ${max}`
  const allowed = bound.startsWith('at') ? `an integer of ${bound}${unit}` : `an integer from ${bound}${unit}`
  throw invalidOption(where + name, value, allowed)
}

/** @throws StreamsError `CONFIG_INVALID` */
export function textOption(options: object, name: string, where = ''): string | undefined {
  const value: unknown = (options as Record<string, unknown>)[name]
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  throw invalidOption(where + name, value, 'a text that is not empty')
}

/** @throws StreamsError `CONFIG_INVALID` */
export function choiceOption<const T extends string>(
  options: object,
  name: string,
  allowed: readonly T[],
  where = ''
): T | undefined {
  const value: unknown = (options as Record<string, unknown>)[name]
  if (value === undefined) return undefined
  const found = allowed.find(candidate => candidate === value)
  if (found !== undefined) return found
  throw invalidOption(where + name, value, allowed.map(candidate => `'${candidate}'`).join(', '))
}

/** @throws StreamsError `CONFIG_INVALID` unless `given` is an object with all of `methods`. */
export function checkMethods<T extends object>(option: string, given: T, methods: readonly (keyof T & string)[]): void {
  for (const method of methods) {
    if (typeof (given as T | undefined)?.[method] === 'function') continue
    throw invalidOption(option, given, `an object with the methods ${methods.join(', ')}`)
  }
}

/** An option has a value that it cannot have. */
export function invalidOption(name: string, value: unknown, allowed: string): StreamsError {
  return new StreamsError('CONFIG_INVALID', `The option '${name}' is ${shown(value)}; it must be ${allowed}.`, {
    details: { option: name, value }
  })
}

/** Two options, or more, cannot be met together. */
export function contradiction(message: string, values: Readonly<Record<string, unknown>>): StreamsError {
  return new StreamsError('CONFIG_INVALID', message, { details: values })
}

function shown(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'function') return String(value)
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    // It holds itself, or something that JSON has not.
    return Object.prototype.toString.call(value)
  }
}
