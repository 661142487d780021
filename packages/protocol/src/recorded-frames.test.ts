import { describe, expect, it } from 'vitest'
import * as protocol from './index.ts'
import { RECORDED_CLIENTS, type RecordedExchange, recordedExchanges } from './test-support/recorded.ts'
import { mutated, seededRandom } from './test-support/seeded-random.ts'

const apis = new Map(
  Object.values(protocol)
    .filter((value): value is protocol.Api => typeof value === 'object' && 'key' in value && 'maxVersion' in value)
    .map(api => [api.name, api])
)

function bodiesOf({ api: name, version, request, response }: RecordedExchange) {
  const api = apis.get(name)!
  const requestHeader = protocol.decodeRequestHeader(request, () => protocol.flexibleRequest(api, version))
  const responseHeader = protocol.decodeResponseHeader(response, protocol.flexibleResponse(api, version))
  return {
    api,
    requestHeader,
    responseHeader,
    requestBody: request.subarray(requestHeader.bodyStart),
    responseBody: response.subarray(responseHeader.bodyStart)
  }
}

/** The recorded exchange of an API, decoded, that `pick` accepts. */
function find<A extends protocol.Api>(api: A, version: number, pick: (response: protocol.ResponseOf<A>) => boolean) {
  for (const exchange of recordedExchanges('java-newest')) {
    if (exchange.api !== api.name || exchange.version !== version) continue
    const { requestBody, responseBody } = bodiesOf(exchange)
    const response = protocol.decodeResponse(api, version, responseBody)
    if (pick(response)) return { request: protocol.decodeRequest(api, version, requestBody), response }
  }
  throw new Error(`no ${api.name} v${version} like this was recorded`)
}

describe.each(RECORDED_CLIENTS)('frames recorded from %s', client => {
  it.each(recordedExchanges(client))('$api v$version decodes, and encodes to the same bytes', exchange => {
    const { version } = exchange
    const { api, requestHeader, responseHeader, requestBody, responseBody } = bodiesOf(exchange)
    expect(requestHeader).toMatchObject({ apiKey: api.key, apiVersion: version })
    expect(responseHeader.correlationId).toBe(requestHeader.correlationId)
    const request = Buffer.concat([
      protocol.encodeRequestHeader(requestHeader, protocol.flexibleRequest(api, version)),
      protocol.encodeRequest(api, version, protocol.decodeRequest(api, version, requestBody))
    ])
    expect(request.toString('hex')).toBe(exchange.request.toString('hex'))
    const response = Buffer.concat([
      protocol.encodeResponseHeader(responseHeader.correlationId, protocol.flexibleResponse(api, version)),
      protocol.encodeResponse(api, version, protocol.decodeResponse(api, version, responseBody))
    ])
    expect(response.toString('hex')).toBe(exchange.response.toString('hex'))
  })
})

describe('what recorded frames say', () => {
  it('covers every API', () => {
    const recorded = new Set(RECORDED_CLIENTS.flatMap(client => recordedExchanges(client).map(({ api }) => api)))
    expect([...recorded].sort()).toEqual([...apis.keys()].sort())
  })

  it('a producer sends its batch, and gets its offset', () => {
    const { request, response } = find(protocol.Produce, 12, answer => answer.responses[0]!.name.endsWith('-none'))
    expect(request).toMatchObject({ transactionalId: null, acks: -1, timeoutMs: 30_000 })
    expect(request.topicData[0]!.partitionData[0]!.records!.length).toBeGreaterThan(1000)
    expect(response.responses[0]!.partitionResponses[0]).toMatchObject({ index: 0, errorCode: 0, baseOffset: 0 })
  })

  it('a consumer fetches by topic id, with nothing aborted under read_uncommitted', () => {
    const { request, response } = find(protocol.Fetch, 17, answer => answer.responses.length > 0)
    expect(request).toMatchObject({ minBytes: 1, maxBytes: 52_428_800, isolationLevel: 0 })
    expect(request.topics[0]).toMatchObject({ topic: '', topicId: expect.stringMatching(/^[\w-]{22}$/) })
    expect(response.responses[0]!.topicId).toBe(request.topics[0]!.topicId)
    expect(response.responses[0]!.partitions[0]).toMatchObject({
      errorCode: 0,
      highWatermark: 20,
      lastStableOffset: 20,
      abortedTransactions: null
    })
  })

  it('the end of a transaction under version 2 answers the next epoch', () => {
    const { request, response } = find(protocol.EndTxn, 5, () => true)
    expect(request).toMatchObject({ committed: true, producerEpoch: 0 })
    expect(response).toEqual({
      throttleTimeMs: 0,
      errorCode: 0,
      producerId: request.producerId,
      producerEpoch: 1
    })
  })

  it('a subscription and an assignment travel through JoinGroup and SyncGroup', () => {
    const { request } = find(protocol.JoinGroup, 9, () => true)
    const subscription = request.protocols[0]!.metadata
    const decoded = protocol.decodeData(protocol.ConsumerProtocolSubscription, subscription)
    expect(decoded).toMatchObject({
      topics: [expect.stringContaining('fixture-')],
      userData: null,
      ownedPartitions: [],
      generationId: -1
    })
    expect(protocol.encodeData(protocol.ConsumerProtocolSubscription, decoded.version, decoded)).toEqual(subscription)

    const { response } = find(protocol.SyncGroup, 5, () => true)
    const assignment = protocol.decodeData(protocol.ConsumerProtocolAssignment, response.assignment)
    expect(assignment.assignedPartitions).toEqual([{ topic: decoded.topics[0], partitions: [0] }])
    expect(protocol.encodeData(protocol.ConsumerProtocolAssignment, assignment.version, assignment)).toEqual(
      response.assignment
    )
  })

  it('a broker of Kafka 4.3 lists the APIs it speaks', () => {
    const { response } = find(protocol.ApiVersions, 4, () => true)
    const produce = response.apiKeys.find(({ apiKey }) => apiKey === protocol.Produce.key)
    expect(produce).toEqual({ apiKey: 0, minVersion: 0, maxVersion: 13 })
    expect(response.finalizedFeatures).toContainEqual({
      name: 'transaction.version',
      maxVersionLevel: 2,
      minVersionLevel: 2
    })
  })
})

describe('damaged frames', () => {
  const bodies = RECORDED_CLIENTS.flatMap(client => recordedExchanges(client)).map(exchange => ({
    version: exchange.version,
    ...bodiesOf(exchange)
  }))

  function decodeOrFail(decode: () => unknown): 'decoded' | protocol.ProtocolErrorCode {
    try {
      decode()
      return 'decoded'
    } catch (error) {
      if (!protocol.isProtocolError(error)) throw error
      return error.code
    }
  }

  it('cut off anywhere, they are refused', () => {
    for (const { api, version, requestBody, responseBody } of bodies) {
      for (let end = 0; end < responseBody.length; end += 1 + (end >> 6)) {
        const cut = responseBody.subarray(0, end)
        expect(decodeOrFail(() => protocol.decodeResponse(api, version, cut))).toBe('PROTOCOL_TRUNCATED')
      }
      for (let end = 0; end < requestBody.length; end += 1 + (end >> 6)) {
        const cut = requestBody.subarray(0, end)
        expect(decodeOrFail(() => protocol.decodeRequest(api, version, cut))).toBe('PROTOCOL_TRUNCATED')
      }
    }
  })

  it('with changed bytes, they decode or fail with a code, and nothing else', () => {
    const random = seededRandom(3)
    const outcomes = new Set<string>()
    for (let round = 0; round < 60; round++) {
      for (const { api, version, requestBody, responseBody } of bodies) {
        outcomes.add(decodeOrFail(() => protocol.decodeRequest(api, version, mutated(requestBody, random))))
        outcomes.add(decodeOrFail(() => protocol.decodeResponse(api, version, mutated(responseBody, random))))
      }
    }
    expect([...outcomes].sort()).toEqual([
      'PROTOCOL_INT64_TOO_LARGE',
      'PROTOCOL_MALFORMED',
      'PROTOCOL_TRUNCATED',
      'decoded'
    ])
  })
})
