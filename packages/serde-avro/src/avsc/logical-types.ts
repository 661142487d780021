import avsc, { type Type } from 'avsc'

const { LogicalType } = avsc.types

const DAY_MS = 86_400_000
const MAX_DATE_MS = 8.64e15

type FromValue = (value: never) => unknown

/** `date`: days since the epoch, as a Date at midnight, UTC. */
class DateType extends LogicalType {
  constructor(schema: never, opts: unknown) {
    super(schema, opts)
    requireUnder(this, 'int')
  }

  protected override _fromValue(days: number): Date {
    return new Date(days * DAY_MS)
  }

  /** Undefined is what avsc takes for "not valid". */
  protected override _toValue(date: unknown): number | undefined {
    if (!(date instanceof Date)) return undefined
    const days = date.getTime() / DAY_MS
    return Number.isInteger(days) ? days : undefined
  }

  protected override _resolve(writer: Type): FromValue | undefined {
    return sameLogical(this, writer)
      ? asIs
      : isNumber(writer, 'int')
        ? (days: number) => this._fromValue(days)
        : undefined
  }
}

/** `timestamp-millis`, as a Date. */
class TimestampType extends LogicalType {
  constructor(schema: never, opts: unknown) {
    super(schema, opts)
    requireUnder(this, 'long')
  }

  protected override _fromValue(ms: number): Date {
    if (Math.abs(ms) > MAX_DATE_MS) throw new Error(`${ms} ms is beyond what a Date can hold`)
    return new Date(ms)
  }

  protected override _toValue(date: unknown): number | undefined {
    if (!(date instanceof Date)) return undefined
    const ms = date.getTime()
    return Number.isNaN(ms) ? undefined : ms
  }

  protected override _resolve(writer: Type): FromValue | undefined {
    if (sameLogical(this, writer)) return asIs
    return isNumber(writer, 'int', 'long', 'abstract:long')
      ? (ms: number | bigint) => this._fromValue(Number(ms))
      : undefined
  }
}

/** `decimal`: an integer of any length and a scale, as its digits. */
class DecimalType extends LogicalType {
  readonly precision: number
  readonly scale: number
  readonly #size: number | undefined

  constructor(schema: { precision?: unknown; scale?: unknown }, opts: unknown) {
    super(schema as never, opts)
    requireUnder(this, 'bytes', 'fixed')
    const { precision, scale = 0 } = schema
    if (!Number.isInteger(precision) || (precision as number) < 1) throw new Error('a decimal needs a precision')
    if (!Number.isInteger(scale) || (scale as number) < 0 || (scale as number) > (precision as number)) {
      throw new Error('the scale of a decimal is from 0 to its precision')
    }
    this.precision = precision as number
    this.scale = scale as number
    this.#size = (this.underlyingType as unknown as { size?: number }).size
  }

  protected override _fromValue(bytes: Buffer): string {
    const unscaled = BigInt.asIntN(bytes.length * 8, BigInt(`0x0${bytes.toString('hex')}`))
    const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(this.scale + 1, '0')
    const point = digits.length - this.scale
    const text = this.scale === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`
    return unscaled < 0n ? `-${text}` : text
  }

  protected override _toValue(decimal: unknown): Buffer | undefined {
    const [, sign, whole = '', fraction = ''] =
      (typeof decimal === 'string' ? /^(-?)(\d+)(?:\.(\d+))?$/.exec(decimal) : undefined) ?? []
    // Zeros may be added, nothing may be rounded.
    if (sign === undefined || fraction.replace(/0+$/, '').length > this.scale) return undefined
    const digits = whole + fraction.slice(0, this.scale).padEnd(this.scale, '0')
    if (digits.replace(/^0+/, '').length > this.precision) return undefined
    const unscaled = BigInt(`${sign}${digits}`)
    const bytes = twosComplement(unscaled)
    if (this.#size === undefined) return bytes
    return bytes.length > this.#size
      ? undefined
      : Buffer.concat([Buffer.alloc(this.#size - bytes.length, unscaled < 0n ? 0xff : 0), bytes])
  }

  protected override _resolve(writer: Type): FromValue | undefined {
    // Before it was called a decimal.
    if (writer.typeName === 'bytes') return (bytes: Buffer) => this._fromValue(bytes)
    // Other digits after the point would be another number.
    return writer instanceof DecimalType && writer.scale === this.scale && writer.precision <= this.precision
      ? asIs
      : undefined
  }

  protected override _export(schema: never): void {
    Object.assign(schema, { precision: this.precision, scale: this.scale })
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** `uuid`, as text; what is no UUID is refused when it is written. */
class UuidType extends LogicalType {
  constructor(schema: never, opts: unknown) {
    super(schema, opts)
    requireUnder(this, 'string')
  }

  protected override _fromValue(text: string): string {
    return text
  }

  protected override _toValue(text: unknown): string | undefined {
    return typeof text === 'string' && UUID.test(text) ? text : undefined
  }

  protected override _resolve(writer: Type): FromValue | undefined {
    return sameLogical(this, writer) || writer.typeName === 'string' ? asIs : undefined
  }
}

export const LOGICAL_TYPES = {
  date: DateType,
  'timestamp-millis': TimestampType,
  decimal: DecimalType,
  uuid: UuidType
}

const asIs: FromValue = (value: unknown) => value

function sameLogical(reader: Type, writer: Type): boolean {
  return writer.typeName === reader.typeName
}

function isNumber(type: Type, ...names: string[]): boolean {
  return names.includes(type.typeName)
}

/** The specification says to ignore a logical type over another type than its own; avsc does when this throws. */
function requireUnder(type: InstanceType<typeof LogicalType>, ...names: string[]): void {
  const { typeName } = type.underlyingType
  if (!names.includes(typeName)) throw new Error(`${type.typeName} is not one of ${typeName}`)
}

/** The shortest bytes, big-endian. */
function twosComplement(value: bigint): Buffer {
  let length = 1
  while (BigInt.asIntN(length * 8, value) !== value) length++
  return Buffer.from(
    BigInt.asUintN(length * 8, value)
      .toString(16)
      .padStart(length * 2, '0'),
    'hex'
  )
}
