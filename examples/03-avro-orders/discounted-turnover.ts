import { registryAvro, type SchemaRegistry } from '@millrace/serde-avro'
import { StreamsBuilder, string, type Topology } from 'millrace'
import { centsOf } from './cents.ts'
import { CUSTOMER, ORDER_V2, SALE_V2, TURNOVER_V2 } from './schemas.ts'

/** What each country has ordered, less its discounts, which are counted as well. Goes on with what the first version has stored. */
export function discountedTurnover(registry: SchemaRegistry, topic: (name: string) => string): Topology {
  const order = registryAvro({ registry, schema: ORDER_V2 })
  const customer = registryAvro({ registry, schema: CUSTOMER })
  const sale = registryAvro({ registry, schema: SALE_V2 })
  const turnover = registryAvro({ registry, schema: TURNOVER_V2 })

  const builder = new StreamsBuilder()
  const customers = builder.table(topic('customers'), { key: string(), value: customer, store: 'customers' })
  builder
    .stream(topic('orders'), { key: string(), value: order })
    .join(customers, ({ amount, discountPercent }, { country }) => {
      const discountCents = Math.round((centsOf(amount) * discountPercent) / 100)
      return { country, cents: centsOf(amount) - discountCents, discountCents }
    })
    .groupBy((_customer, { country }) => country, { name: 'by-country', key: string(), value: sale })
    .aggregate(
      () => ({ orders: 0, cents: 0, discountCents: 0 }),
      (_country, { cents, discountCents }, sum) => ({
        orders: sum.orders + 1,
        cents: sum.cents + cents,
        discountCents: sum.discountCents + discountCents
      }),
      { store: 'turnover', value: turnover }
    )
    .toStream()
    .to(topic('turnover'))
  return builder.build()
}
