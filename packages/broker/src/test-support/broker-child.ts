// A broker in a process of its own, for tests that kill it. Arguments: data directory, port. Prints its address.
import { EmbeddedBroker } from '../index.ts'

const [, , data, port] = process.argv as [string, string, string, string]
const broker = await EmbeddedBroker.start({ data, port: Number(port) })
process.stdout.write(`${broker.bootstrap}\n`)
