// Checked by tsc, never run: what must not compile is marked with @ts-expect-error, which fails when it does compile.
import { expectTypeOf } from 'vitest'
import { int32, json, type KTable, StreamsBuilder, string } from '../../index.ts'

const builder = new StreamsBuilder()
const names = builder.table('names', { key: string(), value: string() })
const ages = builder.table('ages', { key: string(), value: int32() })

expectTypeOf(names.join(ages, (name, age) => name.length + age)).toEqualTypeOf<KTable<string, number>>()
names.leftJoin(ages, (name, age, key) => {
  expectTypeOf(name).toEqualTypeOf<string>()
  expectTypeOf(age).toEqualTypeOf<number | null>()
  expectTypeOf(key).toEqualTypeOf<string>()
  return key
})
names.outerJoin(ages, (name, age) => {
  expectTypeOf(name).toEqualTypeOf<string | null>()
  return age
})

// A null deletes the row, so the table has none.
expectTypeOf(names.join(ages, (name, age) => (age > 17 ? name : null))).toEqualTypeOf<KTable<string, string>>()
names.join(ages, name => name, { store: 'joined', value: string() })
// @ts-expect-error the serde cannot write the result
names.join(ages, name => name, { store: 'joined', value: int32() })
// @ts-expect-error the keys are numbers
names.join(builder.table('numbers', { key: int32(), value: json<number>() }), name => name)
