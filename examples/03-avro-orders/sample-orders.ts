// What `npm run dev` writes to the topic `orders`, again and again.
import { type AvroValue, registryAvro } from '@millrace/serde-avro'
import { string } from 'millrace'
import { ORDER_V2 } from './schemas.ts'

const { REGISTRY_URL = 'http://localhost:8081' } = process.env
const placed = new Date('2026-01-01T12:00:00Z')

export const serdes = { key: string(), value: registryAvro({ url: REGISTRY_URL, schema: ORDER_V2 }) }
export const records: [string, AvroValue<typeof ORDER_V2>][] = [
  ['c1', { orderId: 'o1', amount: '12.50', placed, discountPercent: 0 }],
  ['c2', { orderId: 'o2', amount: '99.00', placed, discountPercent: 10 }],
  ['c3', { orderId: 'o3', amount: '7.20', placed, discountPercent: 0 }]
]
