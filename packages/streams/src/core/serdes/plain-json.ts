import { asciiOf } from './utf8.ts'

/** Returned for what is not read here: no object, not ASCII, with escapes or spaces in unusual places, or not JSON at all. */
export const NOT_PLAIN: unique symbol = Symbol('not plain')

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const SPACE = 0x20
const OPEN = 0x7b
const CLOSE = 0x7d
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const BACKSLASH = 0x5c
const LAST_ASCII = 0x7e
const ZERO = 0x30
const NINE = 0x39
const MINUS = 0x2d

const KEY_SLOTS = 256
const MAX_FIELDS = 64
const MAX_DEPTH = 8
/** Of objects whose fields come and go, which are left to `JSON.parse` then. */
const MAX_SHAPES = 256
/** Digits of integers that a number holds exactly. */
const MAX_DIGITS = 15
/** After so many in a row that were not plain, only one in as many is tried. */
const PATIENCE = 16
const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/

/** The fields that objects begin with, in their order. */
interface Shape {
  readonly keys: readonly string[]
  /** By the key that comes next. */
  readonly next: Map<string, Shape>
  lastKey: string | undefined
  lastNext: Shape | undefined
  make: ((values: readonly unknown[]) => unknown) | undefined
}

/**
 * Reads plain JSON objects, as most records are, straight from their bytes, and gives what `JSON.parse` gives, in a third of its
 * time: that makes a text of the record first, looks up every short value in V8's table of strings, and finds each object's shape anew,
 * where most records of a topic have the same few. Anything else is left to it.
 */
export class PlainJson {
  readonly #keys: (string | undefined)[] = Array.from({ length: KEY_SLOTS })
  /** Of the fields of the object that is read at each depth. */
  readonly #values: unknown[][] = Array.from({ length: MAX_DEPTH }, () => Array.from({ length: MAX_FIELDS }))
  readonly #root: Shape = shapeOf([])
  #shapes = 0
  /** Behind what was read last. */
  #end = 0
  /** In a row. */
  #misses = 0
  #isOff = false

  /** @returns the object in bytes [from, to), or `NOT_PLAIN` */
  parse(bytes: Buffer, from: number, to: number): unknown {
    if (this.#isOff || (this.#misses >= PATIENCE && this.#misses++ % PATIENCE !== 0)) return NOT_PLAIN
    const value = bytes[from] === OPEN ? this.#object(bytes, from, 0) : NOT_PLAIN
    if (value === NOT_PLAIN || this.#end !== to) {
      this.#misses++
      return NOT_PLAIN
    }
    this.#misses = 0
    return value
  }

  /** Of the object that begins at `from`. A byte behind the buffer's end is undefined, which is equal to none and in no range. */
  #object(bytes: Buffer, from: number, depth: number): unknown {
    if (depth === MAX_DEPTH) return NOT_PLAIN
    const values = this.#values[depth] as unknown[]
    let at = from + 1
    let shape = this.#root
    for (let field = 0; field < MAX_FIELDS; field++) {
      if (bytes[at] !== QUOTE) return NOT_PLAIN
      const keyStart = ++at
      let hash = 0
      let byte = bytes[at] as number
      for (; byte !== QUOTE; byte = bytes[++at] as number) {
        if (!(byte >= SPACE && byte <= LAST_ASCII) || byte === BACKSLASH) return NOT_PLAIN
        hash = (Math.imul(hash, 31) + byte) | 0
      }
      const next = this.#next(shape, this.#key(bytes, keyStart, at, hash))
      if (next === undefined || bytes[++at] !== COLON) return NOT_PLAIN
      shape = next
      if (bytes[++at] === SPACE) at++
      const value = this.#value(bytes, at, depth)
      if (value === NOT_PLAIN) return NOT_PLAIN
      values[field] = value
      at = this.#end
      byte = bytes[at++] as number
      if (byte === CLOSE) {
        this.#end = at
        return this.#made(shape, values)
      }
      if (byte !== COMMA) return NOT_PLAIN
      if (bytes[at] === SPACE) at++
    }
    return NOT_PLAIN
  }

  #value(bytes: Buffer, from: number, depth: number): unknown {
    const first = bytes[from] as number
    if (first === QUOTE) {
      let at = from + 1
      for (let byte = bytes[at] as number; byte !== QUOTE; byte = bytes[++at] as number) {
        if (!(byte >= SPACE && byte <= LAST_ASCII) || byte === BACKSLASH) return NOT_PLAIN
      }
      this.#end = at + 1
      return asciiOf(bytes, from + 1, at)
    }
    if ((first >= ZERO && first <= NINE) || first === MINUS) return this.#number(bytes, from, first)
    if (first === OPEN) return this.#object(bytes, from, depth + 1)
    if (first === OPEN_LIST) return this.#list(bytes, from, depth)
    if (isText(bytes, from, 'null')) return this.#literal(from + 4, null)
    if (isText(bytes, from, 'true')) return this.#literal(from + 4, true)
    return isText(bytes, from, 'false') ? this.#literal(from + 5, false) : NOT_PLAIN
  }

  #number(bytes: Buffer, from: number, first: number): number | typeof NOT_PLAIN {
    let at = from
    let integer = first === MINUS ? 0 : first - ZERO
    let byte = bytes[++at] as number
    for (; byte >= ZERO && byte <= NINE; byte = bytes[++at] as number) integer = integer * 10 + byte - ZERO
    const isWhole = byte === COMMA || byte === CLOSE || byte === CLOSE_LIST
    if (isWhole && (first > ZERO ? at - from <= MAX_DIGITS : first === ZERO && at - from === 1)) {
      this.#end = at
      return integer
    }
    while (isOfNumber(byte)) byte = bytes[++at] as number
    const text = asciiOf(bytes, from, at)
    this.#end = at
    return NUMBER.test(text) ? Number(text) : NOT_PLAIN
  }

  #list(bytes: Buffer, from: number, depth: number): unknown {
    if (depth + 1 === MAX_DEPTH) return NOT_PLAIN
    const list: unknown[] = []
    let at = from + 1
    if (bytes[at] === CLOSE_LIST) return this.#literal(at + 1, list)
    for (;;) {
      const value = this.#value(bytes, at, depth + 1)
      if (value === NOT_PLAIN) return NOT_PLAIN
      list.push(value)
      at = this.#end
      const byte = bytes[at++]
      if (byte === CLOSE_LIST) return this.#literal(at, list)
      if (byte !== COMMA) return NOT_PLAIN
      if (bytes[at] === SPACE) at++
    }
  }

  #literal<T>(end: number, value: T): T {
    this.#end = end
    return value
  }

  #key(bytes: Buffer, start: number, end: number, hash: number): string {
    const slot = (hash ^ (hash >>> 8) ^ (end - start)) & (KEY_SLOTS - 1)
    const known = this.#keys[slot]
    if (known !== undefined && known.length === end - start) {
      let i = 0
      while (i < known.length && known.charCodeAt(i) === bytes[start + i]) i++
      if (i === known.length) return known
    }
    const key = asciiOf(bytes, start, end)
    this.#keys[slot] = key
    return key
  }

  #next(shape: Shape, key: string): Shape | undefined {
    if (shape.lastKey === key) return shape.lastNext
    let next = shape.next.get(key)
    if (next === undefined) {
      // In an object literal this one would set the prototype.
      if (this.#shapes === MAX_SHAPES || key === '__proto__') return undefined
      this.#shapes++
      next = shapeOf([...shape.keys, key])
      shape.next.set(key, next)
    }
    shape.lastKey = key
    shape.lastNext = next
    return next
  }

  #made(shape: Shape, values: readonly unknown[]): unknown {
    shape.make ??= this.#maker(shape.keys)
    return shape.make === undefined ? NOT_PLAIN : shape.make(values)
  }

  /** A literal makes an object at once; adding one field after the other takes longer than all else here. */
  #maker(keys: readonly string[]): Shape['make'] {
    const fields = keys.map((key, i) => `${JSON.stringify(key)}: values[${i}]`)
    try {
      // oxlint-disable-next-line typescript/no-implied-eval -- of keys without quotes, backslashes and anything that is not ASCII
      return new Function('values', `return { ${fields.join(', ')} }`) as Shape['make']
    } catch {
      // Node may be told to make no code of text (--disallow-code-generation-from-strings).
      this.#isOff = true
      return undefined
    }
  }
}

function shapeOf(keys: readonly string[]): Shape {
  return { keys, next: new Map(), lastKey: undefined, lastNext: undefined, make: undefined }
}

/** A digit, or one of + - . e E. */
function isOfNumber(byte: number): boolean {
  return (byte >= ZERO && byte <= NINE) || byte === 0x2b || byte === MINUS || byte === 0x2e || (byte | 0x20) === 0x65
}

function isText(bytes: Buffer, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}
