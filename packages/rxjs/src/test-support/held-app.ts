// An application that a test kills: it copies a topic, and shows each record to a subscriber that holds it. Arguments: the options as JSON, the
// topics it reads and writes, and the value at which the subscriber never lets go. It says `held V`, and `saved V` once it has let go.
import { json, Millrace, type MillraceOptions, StreamsBuilder, string } from 'millrace'
import { mapHeld } from '../map-held.ts'
import { toObservable } from '../to-observable.ts'

const [options, input, output, stuckAt] = process.argv.slice(2) as [string, string, string, string]
const serdes = { key: string(), value: json<number>() }
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const builder = new StreamsBuilder()
const stream = builder.stream(input, serdes)
stream.to(output, serdes)
toObservable(stream)
  .pipe(
    mapHeld(async ({ value }) => {
      say(`held ${value}`)
      if (value === Number(stuckAt)) await new Promise(() => {})
      say(`saved ${value}`)
    })
  )
  .subscribe()
const app = new Millrace(builder.build(), JSON.parse(options) as MillraceOptions)
await app.run({ until: 'end' })
