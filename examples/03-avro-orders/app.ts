// The second version alone, on the topics of its environment: `npm run dev -- ./examples/03-avro-orders/app.ts`.
import { schemaRegistry } from '@millrace/serde-avro'
import { Millrace } from 'millrace'
import { discountedTurnover } from './discounted-turnover.ts'

const { KAFKA_BROKERS = 'localhost:9092', REGISTRY_URL = 'http://localhost:8081', STATE_DIR = '.state' } = process.env

const topology = discountedTurnover(schemaRegistry({ url: REGISTRY_URL }), name => name)
const app = new Millrace(topology, {
  applicationId: 'avro-orders',
  brokers: KAFKA_BROKERS.split(','),
  stateDir: STATE_DIR,
  processingGuarantee: 'exactly_once',
  commitIntervalMs: 200
})
await app.start()
