// Runs a command with KAFKA_BROKERS set: `node scripts/with-kafka.ts vitest run --project kafka`. Where it is not set
// already, a broker of our own is started on a free port and goes when the command has ended, however it ended.
import { spawn } from 'node:child_process'
import { startKafka } from './kafka-broker.ts'

const [command, ...args] = process.argv.slice(2)
if (command === undefined) throw new Error('Usage: node scripts/with-kafka.ts COMMAND [ARGUMENT…]')

const given = process.env.KAFKA_BROKERS
const kafka = given === undefined || given === '' ? await startKafka() : undefined
const brokers = kafka?.brokers ?? given
process.stdout.write(`Kafka: ${brokers}${kafka === undefined ? ' (from KAFKA_BROKERS)' : ' (started for this run)'}\n`)

const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, KAFKA_BROKERS: brokers } })
// We outlive the command, to stop the broker. In a terminal, Ctrl-C reaches the command without our help, and a second
// SIGINT would make it stop at once.
process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
const code = await new Promise<number>(resolve => {
  child.once('error', error => {
    process.stderr.write(`${command} could not be started: ${error.message}\n`)
    resolve(1)
  })
  child.once('exit', exitCode => resolve(exitCode ?? 1))
})
await kafka?.stop()
process.exitCode = code
