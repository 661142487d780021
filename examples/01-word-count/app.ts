import { Millrace } from 'millrace'
import { wordCount } from './word-count.ts'

const { KAFKA_BROKERS = 'localhost:9092', APPLICATION_ID = 'word-count', STATE_DIR = '.state' } = process.env
const { INPUT_TOPIC = 'lines', OUTPUT_TOPIC = 'words' } = process.env

const app = new Millrace(wordCount(INPUT_TOPIC, OUTPUT_TOPIC), {
  applicationId: APPLICATION_ID,
  brokers: KAFKA_BROKERS.split(','),
  stateDir: STATE_DIR,
  processingGuarantee: 'exactly_once'
})
await app.run({ until: 'end' })
console.log('counted')
