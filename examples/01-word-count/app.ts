import { int64, Millrace, StreamsBuilder, string } from 'millrace'

const { KAFKA_BROKERS = 'localhost:9092', APPLICATION_ID = 'word-count', STATE_DIR = '.state' } = process.env
const { INPUT_TOPIC = 'lines', OUTPUT_TOPIC = 'words' } = process.env

const builder = new StreamsBuilder()
builder
  .stream(INPUT_TOPIC, { key: string(), value: string() })
  .flatMapValues(line => line.toLowerCase().match(/[\w']+/g) ?? [])
  .groupBy((_key, word) => word, { key: string(), value: string() })
  .count({ store: 'counts' })
  .toStream()
  .to(OUTPUT_TOPIC, { key: string(), value: int64() })

const app = new Millrace(builder.build(), {
  applicationId: APPLICATION_ID,
  brokers: KAFKA_BROKERS.split(','),
  stateDir: STATE_DIR,
  processingGuarantee: 'exactly_once'
})
await app.run({ until: 'end' })
console.log('counted')
