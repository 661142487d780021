import type { Windowed } from '@millrace/streams'
import type { FnSpec, Json } from './case-format.ts'
import { Unsupported } from './unsupported.ts'

/** What flows through a case: JSON values, and windowed keys. */
export type Value = Json | Windowed<unknown>

/** The text of a key: a string as it is, a windowed key as `key@start-end`. */
export function keyText(key: unknown): string {
  if (typeof key === 'object' && key !== null && 'startMs' in key) {
    const { key: inner, startMs, endMs } = key as Windowed<unknown>
    return `${keyText(inner)}@${startMs}-${endMs === Number.MAX_SAFE_INTEGER ? 'max' : endMs}`
  }
  return render(key as Json)
}

/** The canonical text of a value: strings bare, objects with sorted names. */
export function render(value: Value | undefined): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return `[${value.map(element => render(element)).join(',')}]`
  if (typeof value !== 'object') return String(value)
  if (isWindowed(value)) return keyText(value)
  const names = Object.keys(value).sort()
  return `{${names.map(name => `${name}:${render((value as Record<string, Json>)[name])}`).join(',')}}`
}

export function predicate(spec: FnSpec): (key: unknown, value: unknown) => boolean {
  const f = String(spec.args?.[0] ?? '')
  const x = spec.args?.[1]
  switch (spec.fn) {
    case 'always':
      return () => true
    case 'never':
      return () => false
    case 'valueIsNull':
      return (_key, value) => value === null
    case 'hasField':
      return (_key, value) => field(value, f) !== null
    case 'gt':
      return (_key, value) => isInteger(field(value, f)) && number(value, f) > Number(x)
    case 'lt':
      return (_key, value) => isInteger(field(value, f)) && number(value, f) < Number(x)
    case 'even':
      return (_key, value) => isInteger(field(value, f)) && number(value, f) % 2 === 0
    case 'eq':
      return (_key, value) => field(value, f) !== null && render(field(value, f)) === render(x)
    case 'keyEq':
      return key => key !== null && keyText(key) === f
    case 'not': {
      const negated = predicate(spec.args?.[0] as unknown as FnSpec)
      return (key, value) => !negated(key, value)
    }
    default:
      throw unknownFunction(spec)
  }
}

export function valueFunction(spec: FnSpec): (value: unknown, key: unknown) => Json {
  const f = String(spec.args?.[0] ?? '')
  const x = spec.args?.[1]
  switch (spec.fn) {
    case 'identity':
      return value => toJson(value)
    case 'addField':
      return value => (value === null ? null : withField(value, f, number(value, f) + Number(x)))
    case 'setField':
      return value => (value === null ? null : withField(value, f, x ?? null))
    case 'withKey':
      return (value, key) => (value === null ? null : withField(value, f, key === null ? null : keyText(key)))
    case 'pick':
      return value => field(value, f)
    case 'wrap':
      return value => ({ [f]: toJson(value) })
    case 'const':
      return () => spec.args?.[0] ?? null
    case 'null':
      return () => null
    case 'render':
      return value => render(value as Json)
    case 'renderWithKey':
      return (value, key) => `${keyText(key)}:${render(value as Json)}`
    case 'nullIf': {
      const test = predicate(spec.args?.[0] as unknown as FnSpec)
      return (value, key) => (test(key, value) ? null : toJson(value))
    }
    case 'failIf': {
      const test = predicate(spec.args?.[0] as unknown as FnSpec)
      return (value, key) => {
        if (test(key, value)) throw new Error('deliberate failure')
        return toJson(value)
      }
    }
    default:
      throw unknownFunction(spec)
  }
}

export function keyFunction(spec: FnSpec): (key: unknown, value: unknown) => unknown {
  const f = String(spec.args?.[0] ?? '')
  switch (spec.fn) {
    case 'key':
      return key => key
    case 'field':
      return (_key, value) => (field(value, f) === null ? null : render(field(value, f)))
    case 'const':
      return () => f
    case 'null':
      return () => null
    case 'value':
      return (_key, value) => (value === null ? null : render(value as Json))
    case 'concat':
      return (key, value) => `${keyText(key)}-${render(field(value, f))}`
    case 'windowedKeyToString':
      return key => keyText(key)
    case 'windowKey':
      return key => (key as Windowed<unknown>).key
    case 'windowStart':
      return key => String((key as Windowed<unknown>).startMs)
    default:
      throw unknownFunction(spec)
  }
}

export function flatFunction(spec: FnSpec): (value: unknown) => Json[] {
  const f = String(spec.args?.[0] ?? '')
  switch (spec.fn) {
    case 'splitWords':
      return value => {
        const text = field(value, f)
        return typeof text === 'string' ? text.split(' ').filter(word => word !== '') : []
      }
    case 'elements':
      return value => {
        const list = field(value, f)
        return Array.isArray(list) ? [...list] : []
      }
    case 'range':
      return value => Array.from({ length: Math.max(0, number(value, f)) }, (_, index) => index)
    case 'repeat':
      return value => Array.from({ length: Number(spec.args?.[0]) }, () => toJson(value))
    default:
      throw unknownFunction(spec)
  }
}

/** Reducers (old, new), aggregators (aggregate, value), joiners (left, right). */
export function combineFunction(spec: FnSpec): (key: unknown, a: any, b: any) => Json {
  const f = String(spec.args?.[0] ?? '')
  switch (spec.fn) {
    case 'sum':
      return (_key, a, b) => number(a, '') + number(b, f)
    case 'subtract':
      return (_key, a, b) => number(a, '') - number(b, f)
    case 'max':
      return (_key, a, b) => Math.max(number(a, ''), number(b, f))
    case 'min':
      return (_key, a, b) => Math.min(number(a, ''), number(b, f))
    case 'sumDropZero':
      return (_key, a, b) => number(a, '') + number(b, f) || null
    case 'sumField':
      return (_key, a, b) => withField(a, f, number(a, f) + number(b, f))
    case 'subtractField':
      return (_key, a, b) => withField(a, f, number(a, f) - number(b, f))
    case 'maxField':
      return (_key, a, b) => (number(b, f) > number(a, f) ? toJson(b) : toJson(a))
    case 'increment':
      return (_key, a) => number(a, '') + 1
    case 'decrement':
      return (_key, a) => number(a, '') - 1
    case 'first':
    case 'left':
      return (_key, a) => toJson(a)
    case 'last':
    case 'right':
      return (_key, _a, b) => field(b, f)
    case 'null':
      return () => null
    case 'append':
      return (_key, a, b) => [...list(a), field(b, f)]
    case 'removeFirst':
      return (_key, a, b) => {
        const elements = list(a)
        const index = elements.findIndex(element => render(element) === render(field(b, f)))
        return index < 0 ? elements : elements.toSpliced(index, 1)
      }
    case 'concatLists':
      return (_key, a, b) => [...list(a), ...list(b)]
    case 'join':
      return (_key, a, b) => `${render(a)}+${render(field(b, f))}`
    case 'joinWithKey':
      return (key, a, b) => `${render(a)}+${keyText(key)}=${render(field(b, f))}`
    case 'pair':
      return (_key, a, b) => `[${render(a)},${render(b)}]`
    case 'pairWithKey':
      return (key, a, b) => `${keyText(key)}:[${render(a)},${render(b)}]`
    case 'sumOf':
      return (_key, a, b) => number(a, f) + number(b, f)
    case 'object':
      return (_key, a, b) => ({ l: toJson(a), r: toJson(b) })
    default:
      throw unknownFunction(spec)
  }
}

export function field(value: unknown, name: string): Json {
  const json = toJson(value)
  if (name === '') return json
  return isObject(json) ? (json[name] ?? null) : null
}

function number(value: unknown, name: string): number {
  const found = field(value, name)
  return isInteger(found) ? found : 0
}

function withField(value: unknown, name: string, fieldValue: Json): Json {
  if (name === '') return fieldValue
  const json = toJson(value)
  return isObject(json) ? { ...json, [name]: fieldValue } : json
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? [...value] : []
}

function toJson(value: unknown): Json {
  return isWindowed(value) ? keyText(value) : ((value ?? null) as Json)
}

function isWindowed(value: unknown): value is Windowed<unknown> {
  return typeof value === 'object' && value !== null && 'startMs' in value && 'endMs' in value && 'key' in value
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isInteger(value: unknown): value is number {
  return Number.isInteger(value)
}

function unknownFunction(spec: FnSpec): Unsupported {
  return new Unsupported(`the function ${JSON.stringify(spec)}`)
}
