// Runs a command with KAFKA_BROKERS set: `node scripts/with-kafka.ts vitest run --project kafka`. Where it is not set
// already, a broker of our own is started on a free port and goes when the command has ended, however it ended.
import { startKafka } from './kafka-broker.ts'
import { runWith } from './run-with.ts'

const given = process.env.KAFKA_BROKERS
const kafka = given === undefined || given === '' ? await startKafka() : undefined
const brokers = kafka?.brokers ?? given
process.stdout.write(`Kafka: ${brokers}${kafka === undefined ? ' (from KAFKA_BROKERS)' : ' (started for this run)'}\n`)
await runWith('with-kafka.ts', { KAFKA_BROKERS: brokers }, () => kafka?.stop())
