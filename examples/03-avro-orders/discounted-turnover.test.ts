import { registryAvro, schemaRegistry } from '@millrace/serde-avro'
import { MemoryRegistry } from '@millrace/serde-avro/dev'
import { TopologyTestDriver } from '@millrace/testing'
import { string } from 'millrace'
import { expect, test } from 'vitest'
import { CUSTOMER, ORDER_V1, ORDER_V2, TURNOVER_V2 } from './schemas.ts'
import { plainTurnover } from './plain-turnover.ts'
import { discountedTurnover } from './discounted-turnover.ts'

test('the second version goes on with what the first has stored, and reads the orders of both', async () => {
  await using server = await MemoryRegistry.start()
  const registry = schemaRegistry({ url: server.url })
  const own = (name: string) => name
  await using driver = await TopologyTestDriver.open(plainTurnover(registry, own))
  const serdes = (schema: object) => ({ key: string(), value: registryAvro<object>({ registry, schema }) })
  const customers = driver.inputTopic('customers', serdes(CUSTOMER))
  const first = driver.inputTopic('orders', serdes(ORDER_V1))
  const second = driver.inputTopic('orders', serdes(ORDER_V2))
  const turnover = driver.outputTopic('turnover', serdes(TURNOVER_V2))
  await driver.settle()

  const placed = new Date(0)
  customers.pipe('c1', { name: 'Ann', country: 'AT' }, 0)
  first.pipe('c1', { orderId: 'o1', amount: '10.00', placed }, 1)
  // The first version does not know of discounts.
  second.pipe('c1', { orderId: 'o2', amount: '10.00', placed, discountPercent: 10 }, 2)
  await driver.settle()
  await driver.restart({ topology: discountedTurnover(registry, own) })
  first.pipe('c1', { orderId: 'o3', amount: '0.50', placed }, 3)
  second.pipe('c1', { orderId: 'o4', amount: '10.00', placed, discountPercent: 10 }, 4)
  await driver.settle()
  expect(turnover.readTable()).toEqual(new Map([['AT', { orders: 4, cents: 2950, discountCents: 100 }]]))
})
