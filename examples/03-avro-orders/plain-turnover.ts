import { registryAvro, type SchemaRegistry } from '@millrace/serde-avro'
import { StreamsBuilder, string, type Topology } from 'millrace'
import { centsOf } from './cents.ts'
import { CUSTOMER, ORDER_V1, SALE_V1, TURNOVER_V1 } from './schemas.ts'

/** What each country has ordered. */
export function plainTurnover(registry: SchemaRegistry, topic: (name: string) => string): Topology {
  const order = registryAvro({ registry, schema: ORDER_V1 })
  const customer = registryAvro({ registry, schema: CUSTOMER })
  const sale = registryAvro({ registry, schema: SALE_V1 })
  const turnover = registryAvro({ registry, schema: TURNOVER_V1 })

  const builder = new StreamsBuilder()
  const customers = builder.table(topic('customers'), { key: string(), value: customer, store: 'customers' })
  builder
    .stream(topic('orders'), { key: string(), value: order })
    .join(customers, ({ amount }, { country }) => ({ country, cents: centsOf(amount) }))
    .groupBy((_customer, { country }) => country, { name: 'by-country', key: string(), value: sale })
    .aggregate(
      () => ({ orders: 0, cents: 0 }),
      (_country, { cents }, sum) => ({ orders: sum.orders + 1, cents: sum.cents + cents }),
      { store: 'turnover', value: turnover }
    )
    .toStream()
    .to(topic('turnover'))
  return builder.build()
}
