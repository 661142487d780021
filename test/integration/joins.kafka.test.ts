import { joinWindows, json, Millrace, StreamsBuilder, string } from 'millrace'
import { expect, test } from 'vitest'
import { TestCluster } from './test-cluster.ts'

interface Order {
  readonly customer: string
  readonly amount: number
}

const orders = { key: string(), value: json<Order>() }
const names = { key: string(), value: json<string>() }
const texts = { key: string(), value: json<string>() }
const KEYS = 30

test('joins of every kind are right over partitions and instances, and after a restart on a new disk', async () => {
  await using cluster = await TestCluster.open()
  await cluster.createTopics(3, 'orders', 'payments', 'customers', 'addresses', 'paid', 'owners', 'places')
  const app = (stateDir: string) => {
    const builder = new StreamsBuilder()
    const customers = builder.table(cluster.name('customers'), { ...names, store: 'customers' })
    const addresses = builder.table(cluster.name('addresses'), { ...names, store: 'addresses' })
    const orderStream = builder.stream(cluster.name('orders'), orders)
    orderStream
      .join(
        builder.stream(cluster.name('payments'), names),
        (order, payment) => `${order.amount} by ${payment}`,
        joinWindows('1m'),
        { value: orders.value, otherValue: names.value }
      )
      .to(cluster.name('paid'), texts)
    orderStream
      .toTable({ store: 'orders' })
      .join(
        customers,
        (_id, order) => order.customer,
        (order, name) => `${name} ${order.amount}`,
        { value: texts.value }
      )
      .toStream()
      .to(cluster.name('owners'), texts)
    customers
      .join(addresses, (name, address) => `${name} in ${address}`)
      .toStream()
      .to(cluster.name('places'), texts)
    return new Millrace(builder.build(), {
      ...cluster.options,
      stateDir,
      processingGuarantee: 'exactly_once',
      cacheBytes: 0
    })
  }
  const ids = Array.from({ length: KEYS }, (_, i) => i)
  await cluster.produce(
    'customers',
    ids.map(i => ({ key: `c${i}`, value: JSON.stringify(`name${i}`), timestamp: '1000' }))
  )
  await cluster.produce(
    'addresses',
    ids.map(i => ({ key: `c${i}`, value: JSON.stringify(`town${i}`), timestamp: '1000' }))
  )
  await cluster.produce(
    'orders',
    ids.map(i => ({
      key: `o${i}`,
      value: JSON.stringify({ customer: `c${(i * 7) % KEYS}`, amount: i }),
      timestamp: '2000'
    }))
  )
  const first = [app(cluster.stateDir), app(await cluster.newStateDir())]
  await Promise.all(first.map(each => each.run({ until: 'end' })))

  // What the stores hold now has to come from their changelogs.
  await cluster.produce(
    'payments',
    ids.map(i => ({ key: `o${i}`, value: JSON.stringify(`card${i}`), timestamp: '3000' }))
  )
  await cluster.produce('addresses', [{ key: 'c3', value: JSON.stringify('city'), timestamp: '3000' }])
  await cluster.produce('customers', [{ key: 'c7', value: JSON.stringify('renamed'), timestamp: '3000' }])
  await app(await cluster.newStateDir()).run({ until: 'end' })

  const last = async (topic: string) =>
    Object.fromEntries((await cluster.read(topic)).map(({ key, value }) => [key, JSON.parse(value)]))
  expect(await last('paid')).toEqual(Object.fromEntries(ids.map(i => [`o${i}`, `${i} by card${i}`])))
  const owner = (i: number) => ((i * 7) % KEYS === 7 ? 'renamed' : `name${(i * 7) % KEYS}`)
  expect(await last('owners')).toEqual(Object.fromEntries(ids.map(i => [`o${i}`, `${owner(i)} ${i}`])))
  const place = (i: number) => `${i === 7 ? 'renamed' : `name${i}`} in ${i === 3 ? 'city' : `town${i}`}`
  expect(await last('places')).toEqual(Object.fromEntries(ids.map(i => [`c${i}`, place(i)])))
  expect(await cluster.read('paid')).toHaveLength(KEYS)
})
