import { readFileSync } from 'node:fs'
import type { Api } from '@millrace/protocol'
import * as protocol from '@millrace/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EmbeddedBroker } from '../broker.ts'
import { WireClient } from '../test-support/wire-client.ts'
import { HANDLERS } from './index.ts'

type Fields = Api['request']

let broker: EmbeddedBroker
beforeAll(async () => {
  broker = await EmbeddedBroker.start()
})
afterAll(() => broker.close())

const ZEROS: Readonly<Record<string, unknown>> = {
  bool: false,
  bigint64: 0n,
  string: '',
  uuid: protocol.ZERO_UUID,
  bytes: Buffer.alloc(0),
  records: Buffer.alloc(0)
}

/** A request that asks for one of everything, by names that do not exist. */
function requestOf(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, valueOf(field)]))
}

function valueOf(field: Fields[string]): unknown {
  if (field.type === 'struct') return requestOf(field.fields as Fields)
  if (field.type === 'array') return [valueOf(field.element as Fields[string])]
  return ZEROS[field.type] ?? 0
}

for (const { api, versions } of HANDLERS) {
  const [min, max] = versions
  test(`${api.name} is answered in each version from ${min} to ${max}`, async () => {
    for (let version = min; version <= max; version++) {
      const stream = broker.connect()
      const closed = new Promise<never>((_, reject) => {
        stream.once('close', () => reject(new Error(`${api.name} v${version} closed the connection`)))
      })
      closed.catch(() => {})
      const client = new WireClient(stream)
      // Produce with acks 0 is the one that is not answered.
      const request = { ...requestOf(api.request), acks: -1 }
      const answer: unknown = await Promise.race([client.send(api, version, request as never), closed])
      expect(answer).toBeTypeOf('object')
      client.close()
    }
  })
}

test('what ApiVersions tells is within what Kafka 4.3 told when it was recorded', async () => {
  const fixture = new URL('../../../protocol/fixtures/java-newest.json', import.meta.url)
  const exchanges = JSON.parse(readFileSync(fixture, 'utf8')) as { api: string; response: string }[]
  const recorded = Buffer.from(exchanges.find(({ api }) => api === 'ApiVersions')?.response ?? '', 'base64')
  const kafka = protocol.decodeResponse(protocol.ApiVersions, 4, recorded.subarray(4))
  const client = new WireClient(broker.connect())
  const told = await client.send(protocol.ApiVersions, 4, { clientSoftwareName: 'a', clientSoftwareVersion: '1' })
  expect(told.apiKeys).toHaveLength(HANDLERS.length)
  const beyond = told.apiKeys.filter(({ apiKey, minVersion, maxVersion }) => {
    const theirs = kafka.apiKeys.find(range => range.apiKey === apiKey)
    return theirs === undefined || minVersion < theirs.minVersion || maxVersion > theirs.maxVersion
  })
  expect(beyond).toEqual([])
  client.close()
})
