// What `npm run dev` writes to the topic `customers`.
import { type AvroValue, registryAvro } from '@millrace/serde-avro'
import { string } from 'millrace'
import { CUSTOMER } from './schemas.ts'

const { REGISTRY_URL = 'http://localhost:8081' } = process.env

export const serdes = { key: string(), value: registryAvro({ url: REGISTRY_URL, schema: CUSTOMER }) }
export const records: [string, AvroValue<typeof CUSTOMER>][] = [
  ['c1', { name: 'Ann', country: 'AT' }],
  ['c2', { name: 'Ben', country: 'DE' }],
  ['c3', { name: 'Cleo', country: 'AT' }]
]
