// A broker in a process of its own, for tests that kill it. Arguments: data directory, port, settings as JSON. Prints its
// address.
import { EmbeddedBroker } from '../index.ts'

// A file at its limit is then told as an error of the write, as a full disk is.
process.on('SIGXFSZ' as NodeJS.Signals, () => {})
const [, , data, port, settings = '{}'] = process.argv as [string, string, string, string, string?]
const broker = await EmbeddedBroker.start({ data, port: Number(port), ...(JSON.parse(settings) as object) })
process.stdout.write(`${broker.bootstrap}\n`)
