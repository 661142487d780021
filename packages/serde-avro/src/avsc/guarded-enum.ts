import avsc, { type Type } from 'avsc'

interface Tap {
  writeLong(value: number): void
}

type Hook = (value: unknown, type: Type) => void

/** avsc's enums, but for values that are no symbols and yet known to objects, such as `toString`, which it writes as something. */
export class GuardedEnumType extends avsc.types.EnumType {
  _check(value: unknown, _flags: unknown, hook: Hook | undefined): boolean {
    const isSymbol = this.symbols.includes(value as string)
    if (!isSymbol) hook?.(value, this)
    return isSymbol
  }

  _write(
    this: GuardedEnumType & { readonly _indices: Readonly<Record<string, number>> },
    tap: Tap,
    value: string
  ): void {
    const index: unknown = this._indices[value]
    if (typeof index !== 'number') throw new Error(`${String(value)} is no symbol of ${this.name}`)
    tap.writeLong(index)
  }
}
