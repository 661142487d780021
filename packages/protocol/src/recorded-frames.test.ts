import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as protocol from './index.ts'

interface RecordedExchange {
  readonly api: string
  readonly version: number
  readonly request: string
  readonly response: string
}

/** What clients other than ours and a real broker said to each other; see scripts/README.md. */
function recorded(name: string): readonly RecordedExchange[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, '..', 'fixtures', `${name}.json`), 'utf8'))
}

const apis = new Map(
  Object.values(protocol)
    .filter((value): value is protocol.Api => typeof value === 'object' && 'key' in value && 'maxVersion' in value)
    .map(api => [api.name, api])
)

describe.each(['java-newest', 'java-as-2.8', 'kafkajs'])('frames recorded from %s', source => {
  const exchanges = recorded(source)

  it.each(exchanges)('$api v$version decodes, and encodes to the same bytes', ({ api: name, version, ...frames }) => {
    const api = apis.get(name)!
    const request = Buffer.from(frames.request, 'base64')
    const header = protocol.decodeRequestHeader(request, () => protocol.flexibleRequest(api, version))
    expect(header).toMatchObject({ apiKey: api.key, apiVersion: version })
    expect(protocol.encodeRequestHeader(header, protocol.flexibleRequest(api, version))).toEqual(
      request.subarray(0, header.bodyStart)
    )
    const requestBody = request.subarray(header.bodyStart)
    const decodedRequest = protocol.decodeRequest(api, version, requestBody)
    expect(protocol.encodeRequest(api, version, decodedRequest).toString('hex')).toBe(requestBody.toString('hex'))

    const response = Buffer.from(frames.response, 'base64')
    const flexible = protocol.flexibleResponse(api, version)
    const { bodyStart, correlationId } = protocol.decodeResponseHeader(response, flexible)
    expect(protocol.encodeResponseHeader(correlationId, flexible)).toEqual(response.subarray(0, bodyStart))
    expect(correlationId).toBe(header.correlationId)
    const responseBody = response.subarray(bodyStart)
    const decodedResponse = protocol.decodeResponse(api, version, responseBody)
    expect(protocol.encodeResponse(api, version, decodedResponse).toString('hex')).toBe(responseBody.toString('hex'))
  })
})
