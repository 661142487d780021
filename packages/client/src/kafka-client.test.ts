import { Fetch } from '@millrace/protocol'
import { SILENT_LOGGER } from '@millrace/streams/ports'
import { expect, test } from 'vitest'
import { seededRandom, VirtualClock } from './group/test-support/virtual-clock.ts'
import { createKafkaClient } from './kafka-client.ts'
import { ScriptedTransport } from './test-support/scripted-transport.ts'
import type { RequestFrame, Transport } from './transport.ts'

test.each([
  ['of the client', 4_000, 4_000],
  ['of the transport, when the client has none', undefined, 7_000]
])(
  'fetches have the request time-out %s, beyond the time that the broker may wait for records',
  async (_whose, given, timeoutMs) => {
    const scripted = new ScriptedTransport(['one:9092'])
    scripted.brokers.set(1, 'one:9092')
    scripted.topics.set('t', { leaders: [[1, 0]] })
    scripted.on(Fetch, () => undefined)
    const fetches: RequestFrame[] = []
    const transport: Transport = {
      defaults: { requestTimeoutMs: 7_000 },
      bootstrap: () => scripted.bootstrap(),
      async connect(broker) {
        const connection = await scripted.connect(broker)
        return {
          get connected() {
            return connection.connected
          },
          send(frame) {
            if (frame.apiKey === Fetch.key) fetches.push(frame)
            return connection.send(frame)
          },
          close: () => connection.close()
        }
      }
    }
    const clock = new VirtualClock()
    const options = given === undefined ? {} : { requestTimeoutMs: given }
    const client = createKafkaClient({ transport, clock, random: seededRandom(1), logger: SILENT_LOGGER, ...options })
    client
      .createFetcher({ isolation: 'read_committed', maxBufferedBytes: 1000, maxWaitMs: 300 })
      .add({ topic: 't', partition: 0 }, 0)
    await clock.until(() => fetches.length > 0, 5_000, 'a fetch is sent')
    expect(fetches[0]?.timeoutMs).toBe(timeoutMs + 300)
    await client.close()
  }
)
