// One worker of the cluster test: counts per key, and per key and window. It tells over IPC what it sent in its busiest second.
import { createKafkaClient } from '@millrace/client'
import { LevelStoreProvider } from '@millrace/store-level'
import { systemClock, systemEventLoop, systemRandom, StreamsApp } from '@millrace/streams/runtime'
import { kafkajsTransport } from '@millrace/transport-kafkajs'
import { json, StreamsBuilder, string, tumbling, windowedKey } from 'millrace'
import type { ClusterAppOptions, ClusterCount, ClusterReport } from './cluster-app-options.ts'
import { counted, Traffic } from './traffic.ts'

const options = JSON.parse(process.argv[2] ?? '{}') as ClusterAppOptions
const slot = Number(process.env['CHAOS_SLOT'] ?? '0')
const { input, counts, windows } = options.topics
const report = (message: ClusterReport) => process.send?.(message)

const builder = new StreamsBuilder()
const grouped = builder.stream(input, { key: string(), value: string() }).groupByKey()
const count = (value: number): ClusterCount => ({ count: value, slot })
grouped
  .count({ store: 'counts' })
  .toStream()
  .mapValues(count)
  .to(counts, { key: string(), value: json<ClusterCount>() })
grouped
  .windowedBy(tumbling(options.windowMs, { grace: '10m' }))
  .count({ store: 'windows' })
  .toStream()
  .mapValues(count)
  .to(windows, { key: windowedKey(string()), value: json<ClusterCount>() })

const traffic = new Traffic()
const print = (level: string) => (message: string, fields?: object) =>
  console.log(
    `${new Date().toISOString()} worker ${slot} ${level} ${message} ${fields === undefined ? '' : JSON.stringify(fields)}`
  )
const logger = { debug() {}, info() {}, warn: print('warn'), error: print('error') }
const { applicationId } = options.config
const app = new StreamsApp(builder.build(), options.config, {
  client: createKafkaClient({
    transport: counted(kafkajsTransport({ clientId: applicationId, ...options.kafka }), traffic),
    clock: systemClock,
    random: systemRandom,
    logger
  }),
  stores: new LevelStoreProvider({ stateDir: options.stateDir, applicationId }),
  clock: systemClock,
  eventLoop: systemEventLoop,
  logger
})
app.onStateChange(state => report({ state }))
process.once('SIGTERM', () => void app.close().catch(error => console.log(String(error))))
try {
  await app.run()
} finally {
  report({ busiestSecond: traffic.busiestSecond })
  process.disconnect?.()
}
