// Checked by tsc, never run: what must not compile is marked with @ts-expect-error, which fails when it does compile.
import { expectTypeOf } from 'vitest'
import { int32, json, type KTable, StreamsBuilder, string } from '../../index.ts'

interface Order {
  readonly customer: number | null
  readonly total: number
}

const builder = new StreamsBuilder()
const orders = builder.table('orders', { key: string(), value: json<Order>() })
const customers = builder.table('customers', { key: int32(), value: string() })

const named = orders.join(
  customers,
  (_id, order) => order.customer,
  (order, name) => `${name}: ${order.total}`
)
expectTypeOf(named).toEqualTypeOf<KTable<string, string>>()
orders.leftJoin(
  customers,
  (_id, order) => order.customer,
  (_order, name, id) => {
    expectTypeOf(name).toEqualTypeOf<string | null>()
    expectTypeOf(id).toEqualTypeOf<string>()
    return name
  }
)
orders.join(
  customers,
  // @ts-expect-error the other table's keys are numbers
  id => id,
  order => order.total
)
orders.join(
  customers,
  (_id, order) => order.customer,
  order => order.total,
  // @ts-expect-error the serde cannot write the result
  { store: 'totals', value: string() }
)
