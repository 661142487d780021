import type { Serde } from '@millrace/streams/core'
import { expectTypeOf } from 'vitest'
import { avro } from './avro.ts'
import type { AvroSchema } from './avro-schema.ts'
import type { AvroValue } from './avro-value.ts'
import { registryAvro } from './registry-avro.ts'

const ADDRESS = {
  type: 'record',
  name: 'Address',
  fields: [
    { name: 'street', type: 'string' },
    { name: 'zip', type: ['null', 'string'], default: null }
  ]
} as const

const ORDER = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'count', type: 'int' },
    { name: 'cents', type: 'long' },
    { name: 'weight', type: 'double' },
    { name: 'share', type: 'float' },
    { name: 'paid', type: 'boolean' },
    { name: 'nothing', type: 'null' },
    { name: 'photo', type: 'bytes' },
    { name: 'state', type: { type: 'enum', name: 'State', symbols: ['OPEN', 'SENT'] } },
    { name: 'before', type: ['null', 'State'], default: null },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'counts', type: { type: 'map', values: 'long' } },
    { name: 'digest', type: { type: 'fixed', name: 'Digest', size: 16 } },
    { name: 'to', type: ADDRESS },
    { name: 'from', type: ['null', 'shop.Address'] }
  ]
} as const

// Records, enums, arrays, maps, fixed, bytes, references to what was defined before.
expectTypeOf<AvroValue<typeof ORDER>>().toEqualTypeOf<{
  readonly id: string
  readonly count: number
  readonly cents: number
  readonly weight: number
  readonly share: number
  readonly paid: boolean
  readonly nothing: null
  readonly photo: Buffer
  readonly state: 'OPEN' | 'SENT'
  readonly before: null | 'OPEN' | 'SENT'
  readonly tags: readonly string[]
  readonly counts: { readonly [key: string]: number }
  readonly digest: Buffer
  readonly to: { readonly street: string; readonly zip: string | null }
  readonly from: null | { readonly street: string; readonly zip: string | null }
}>()

// Primitives by themselves, plain and as definitions.
expectTypeOf<AvroValue<'string'>>().toEqualTypeOf<string>()
expectTypeOf<AvroValue<{ readonly type: 'int' }>>().toEqualTypeOf<number>()
expectTypeOf<AvroValue<{ readonly type: { readonly type: 'boolean' } }>>().toEqualTypeOf<boolean>()

// `long` is a number, or a bigint by option.
expectTypeOf<AvroValue<'long'>>().toEqualTypeOf<number>()
expectTypeOf<AvroValue<'long', 'bigint'>>().toEqualTypeOf<bigint>()
expectTypeOf<AvroValue<readonly ['null', 'long'], 'bigint'>>().toEqualTypeOf<bigint | null>()
expectTypeOf<AvroValue<readonly ['int', 'long'], 'bigint'>>().toEqualTypeOf<bigint | number>()

// Logical types.
type Logical<T, G> = AvroValue<{ readonly type: T; readonly logicalType: G }>
expectTypeOf<Logical<'int', 'date'>>().toEqualTypeOf<Date>()
expectTypeOf<Logical<'int', 'time-millis'>>().toEqualTypeOf<number>()
expectTypeOf<Logical<'long', 'time-micros'>>().toEqualTypeOf<number>()
expectTypeOf<Logical<'long', 'timestamp-millis'>>().toEqualTypeOf<Date>()
expectTypeOf<Logical<'long', 'timestamp-micros'>>().toEqualTypeOf<number>()
expectTypeOf<AvroValue<{ type: 'long'; logicalType: 'timestamp-micros' }, 'bigint'>>().toEqualTypeOf<bigint>()
expectTypeOf<AvroValue<{ type: 'long'; logicalType: 'timestamp-millis' }, 'bigint'>>().toEqualTypeOf<Date>()
expectTypeOf<AvroValue<{ type: 'bytes'; logicalType: 'decimal'; precision: 9; scale: 2 }>>().toEqualTypeOf<string>()
expectTypeOf<
  AvroValue<{ type: 'fixed'; name: 'Money'; size: 8; logicalType: 'decimal'; precision: 9 }>
>().toEqualTypeOf<string>()
expectTypeOf<Logical<'string', 'uuid'>>().toEqualTypeOf<string>()
expectTypeOf<Logical<'string', 'of-somebody-else'>>().toEqualTypeOf<string>()

// Unions: bare where values tell the branches apart, else by name of the branch.
expectTypeOf<AvroValue<readonly ['null', 'string', 'int']>>().toEqualTypeOf<null | string | number>()
expectTypeOf<AvroValue<readonly ['null', 'int', 'double']>>().toEqualTypeOf<
  null | { readonly int: number } | { readonly double: number }
>()
expectTypeOf<
  AvroValue<readonly [{ type: 'int'; logicalType: 'date' }, { type: 'long'; logicalType: 'timestamp-millis' }]>
>().toEqualTypeOf<{ readonly int: Date } | { readonly long: Date }>()
expectTypeOf<
  AvroValue<
    readonly [
      { type: 'record'; name: 'A'; namespace: 'n'; fields: readonly [{ name: 'a'; type: 'int' }] },
      { type: 'record'; name: 'B'; fields: readonly [{ name: 'b'; type: 'n.A' }] }
    ]
  >
>().toEqualTypeOf<{ readonly 'n.A': { readonly a: number } } | { readonly B: { readonly b: { readonly a: number } } }>()

// A schema may refer to itself.
const LIST = {
  type: 'record',
  name: 'List',
  fields: [
    { name: 'head', type: 'int' },
    { name: 'tail', type: ['null', 'List'] }
  ]
} as const
type List = AvroValue<typeof LIST>
expectTypeOf<List['head']>().toEqualTypeOf<number>()
expectTypeOf<NonNullable<NonNullable<List['tail']>['tail']>['head']>().toEqualTypeOf<number>()

// Serdes: of a schema written in place, of one that is only known at run time, and of a type that the caller vouches for.
expectTypeOf(avro({ type: 'array', items: 'int' })).toEqualTypeOf<Serde<readonly number[]>>()
expectTypeOf(avro(ORDER, { long: 'bigint' })).toEqualTypeOf<Serde<AvroValue<typeof ORDER, 'bigint'>>>()
expectTypeOf(avro(JSON.parse('"int"') as string)).toEqualTypeOf<Serde<unknown>>()
expectTypeOf(avro<{ a: number }>(JSON.parse('{}'))).toEqualTypeOf<Serde<{ a: number }>>()
expectTypeOf(avro({} as AvroSchema)).toEqualTypeOf<Serde<unknown>>()
expectTypeOf<AvroValue<{ type: 'array'; items: AvroSchema }>>().toEqualTypeOf<readonly unknown[]>()
expectTypeOf<AvroValue<any>>().toEqualTypeOf<unknown>()
expectTypeOf(registryAvro({ url: 'http://registry', schema: ORDER })).toEqualTypeOf<Serde<AvroValue<typeof ORDER>>>()
expectTypeOf(registryAvro({ url: 'http://registry' })).toEqualTypeOf<Serde<unknown>>()
expectTypeOf(registryAvro<Date>({ url: 'http://registry', schema: JSON.parse('{}') })).toEqualTypeOf<Serde<Date>>()
