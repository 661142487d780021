import avsc, { type Type } from 'avsc'

/** The part of avsc's cursor that is used here. */
interface Tap {
  readonly buf: Buffer
  pos: number
  readLong(): number
  skipLong(): void
  readString(): string
}

interface Readable {
  _read(tap: Tap): unknown
}

/** Items without bytes (null, an empty record) are believed up to this count. */
const MAX_EMPTY_ITEMS = 65_536

/** The count of the next block; a count that the bytes cannot hold would be counted to, item after item, until memory ends. */
function blockCount(tap: Tap): number {
  let count = tap.readLong()
  if (count < 0) {
    count = -count
    tap.skipLong()
  }
  const rest = tap.buf.length - tap.pos
  if (!Number.isSafeInteger(count) || (count > rest && count > MAX_EMPTY_ITEMS)) {
    throw new Error(`a block of ${count} items does not fit into ${rest} bytes`)
  }
  return count
}

/** avsc's arrays, but for damaged counts. */
export class GuardedArrayType extends avsc.types.ArrayType {
  /** Also called on what resolves a writer's array, which has items of its own. */
  _read(this: { readonly itemsType: Type }, tap: Tap): unknown[] {
    const items = this.itemsType as unknown as Readable
    let count = blockCount(tap)
    if (count === 0) return []
    const values: unknown[] = []
    let at = 0
    for (; count > 0; count = blockCount(tap)) while (count-- > 0) values[at++] = items._read(tap)
    return values
  }
}

/** avsc's maps, but for damaged counts and for keys that mean something to objects. */
export class GuardedMapType extends avsc.types.MapType {
  _read(this: { readonly valuesType: Type }, tap: Tap): Record<string, unknown> {
    const items = this.valuesType as unknown as Readable
    const values: Record<string, unknown> = {}
    for (let count = blockCount(tap); count > 0; count = blockCount(tap)) {
      while (count-- > 0) {
        const key = tap.readString()
        const value = items._read(tap)
        if (key === '__proto__') {
          Object.defineProperty(values, key, { value, enumerable: true, configurable: true, writable: true })
        } else values[key] = value
      }
    }
    return values
  }
}
