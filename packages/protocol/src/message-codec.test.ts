import { describe, expect, it } from 'vitest'
import * as protocol from './index.ts'

describe('encoding', () => {
  it('takes the defaults of fields that are left out', () => {
    const encoded = protocol.encodeRequest(protocol.Fetch, 11, { maxWaitMs: 500, minBytes: 1, topics: [] })
    expect(protocol.decodeRequest(protocol.Fetch, 11, encoded)).toMatchObject({
      replicaId: -1,
      maxBytes: 0x7fff_ffff,
      sessionEpoch: -1,
      rackId: ''
    })
  })

  it('ignores a field that the version lacks', () => {
    const request = { maxWaitMs: 500, minBytes: 1, topics: [] }
    expect(protocol.encodeRequest(protocol.Fetch, 4, { ...request, rackId: 'a', sessionId: 9 })).toEqual(
      protocol.encodeRequest(protocol.Fetch, 4, request)
    )
  })

  it('names the field that is missing', () => {
    const request = { groupId: 'g', generationId: 1 } as unknown as protocol.RequestOf<typeof protocol.Heartbeat>
    expect(() => protocol.encodeRequest(protocol.Heartbeat, 4, request)).toThrow(
      expect.objectContaining({
        code: 'PROTOCOL_INVALID_VALUE',
        details: expect.objectContaining({ field: 'Heartbeat request v4.memberId' })
      })
    )
  })

  it('refuses null where the version does not take it', () => {
    expect(() => protocol.encodeRequest(protocol.OffsetFetch, 1, { groupId: 'g', topics: null })).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_INVALID_VALUE' })
    )
    expect(protocol.encodeRequest(protocol.OffsetFetch, 2, { groupId: 'g', topics: null })).toEqual(
      Buffer.from([0, 1, 0x67, 0xff, 0xff, 0xff, 0xff])
    )
  })

  it.each([
    ['an int32 out of range', { generationId: 0x8000_0000 }],
    ['a fraction', { generationId: 0.5 }],
    ['a string of more than 32,767 bytes', { memberId: 'ö'.repeat(16_384) }]
  ])('refuses %s', (_what, wrong) => {
    const request = { groupId: 'g', generationId: 1, memberId: 'm', ...wrong }
    expect(() => protocol.encodeRequest(protocol.Heartbeat, 4, request)).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_INVALID_VALUE' })
    )
  })

  it('refuses versions that the package does not speak', () => {
    expect(() => protocol.encodeRequest(protocol.Produce, 13, { acks: -1, timeoutMs: 1, topicData: [] })).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_INVALID_VALUE', details: { api: 'Produce', version: 13 } })
    )
  })

  it('puts large byte strings in their places', () => {
    const first = Buffer.alloc(5000, 1)
    const second = Buffer.alloc(3000, 2)
    const partitionData = [
      { index: 0, records: first },
      { index: 1, records: null },
      { index: 2, records: Buffer.from([7]) },
      { index: 3, records: second }
    ]
    const request = { acks: -1, timeoutMs: 1, topicData: [{ name: 't', partitionData }] }
    for (const version of [3, 9]) {
      const encoded = protocol.encodeRequest(protocol.Produce, version, request)
      expect(protocol.decodeRequest(protocol.Produce, version, encoded).topicData[0]!.partitionData).toEqual(
        partitionData
      )
    }
  })
})

describe('decoding', () => {
  it('gives the records of a fetch as a view into the frame', () => {
    const records = Buffer.alloc(100, 9)
    const partitions = [{ partitionIndex: 0, errorCode: 0, highWatermark: 1, abortedTransactions: null, records }]
    const frame = protocol.encodeResponse(protocol.Fetch, 17, { throttleTimeMs: 0, responses: [{ partitions }] })
    const decoded = protocol.decodeResponse(protocol.Fetch, 17, frame).responses[0]!.partitions[0]!.records!
    expect(decoded).toEqual(records)
    expect(decoded.buffer).toBe(frame.buffer)
  })

  it('fills fields that the version lacks with their defaults, fresh ones each time', () => {
    const frame = protocol.encodeResponse(protocol.FindCoordinator, 4, { coordinators: [] })
    const decoded = protocol.decodeResponse(protocol.FindCoordinator, 4, frame)
    expect(decoded).toMatchObject({ errorCode: 0, host: '', nodeId: 0 })
    const v3 = protocol.encodeResponse(protocol.FindCoordinator, 3, { host: 'h', port: 1, nodeId: 2, errorCode: 0 })
    const one = protocol.decodeResponse(protocol.FindCoordinator, 3, v3)
    one.coordinators.push({ key: '', nodeId: 0, host: '', port: 0, errorCode: 0, errorMessage: null })
    expect(protocol.decodeResponse(protocol.FindCoordinator, 3, v3).coordinators).toEqual([])
  })

  it('skips tagged fields it does not know', () => {
    const frame = protocol.encodeResponse(protocol.Heartbeat, 4, { errorCode: 27 })
    const withTag = Buffer.concat([frame.subarray(0, -1), Buffer.from([1, 99, 3, 1, 2, 3])])
    expect(protocol.decodeResponse(protocol.Heartbeat, 4, withTag)).toEqual({ throttleTimeMs: 0, errorCode: 27 })
  })

  it('keeps producer ids exact and refuses other int64 beyond 2^53', () => {
    const producerId = 0x7fff_ffff_ffff_fffen
    const frame = protocol.encodeResponse(protocol.InitProducerId, 4, {
      throttleTimeMs: 0,
      errorCode: 0,
      producerId,
      producerEpoch: 3
    })
    expect(protocol.decodeResponse(protocol.InitProducerId, 4, frame).producerId).toBe(producerId)

    const request = { topics: [{ name: 't', partitions: [{ partitionIndex: 0, offset: -1 }] }], timeoutMs: 1 }
    const encoded = protocol.encodeRequest(protocol.DeleteRecords, 1, request)
    const at = encoded.indexOf(Buffer.alloc(8, 0xff))
    expect(protocol.decodeRequest(protocol.DeleteRecords, 1, encoded)).toEqual(request)
    encoded.writeBigInt64BE(2n ** 53n, at)
    expect(() => protocol.decodeRequest(protocol.DeleteRecords, 1, encoded)).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_INT64_TOO_LARGE', details: { position: at, value: 2n ** 53n } })
    )
    encoded.writeBigInt64BE(-(2n ** 53n) + 1n, at)
    expect(protocol.decodeRequest(protocol.DeleteRecords, 1, encoded).topics[0]!.partitions[0]!.offset).toBe(
      Number.MIN_SAFE_INTEGER
    )
  })

  it('refuses bytes after the end of a response, and ignores them after a request', () => {
    const request = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }
    const longer = Buffer.concat([protocol.encodeRequest(protocol.Heartbeat, 4, request), Buffer.alloc(3)])
    expect(protocol.decodeRequest(protocol.Heartbeat, 4, longer)).toEqual(request)
    const frame = protocol.encodeResponse(protocol.Heartbeat, 4, { errorCode: 0 })
    expect(() => protocol.decodeResponse(protocol.Heartbeat, 4, Buffer.concat([frame, Buffer.alloc(1)]))).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_MALFORMED' })
    )
  })

  it('encodes a response as a frame in pieces, without copying records', () => {
    const records = Buffer.alloc(5000, 'r')
    const partitions = [{ partitionIndex: 0, errorCode: 0, highWatermark: 1, abortedTransactions: null, records }]
    const response = {
      throttleTimeMs: 0,
      errorCode: 0,
      responses: [{ topic: 't', topicId: protocol.ZERO_UUID, partitions }]
    }
    for (const version of [11, 12]) {
      const pieces = protocol.encodeResponseFrame(protocol.Fetch, version, 7, response)
      expect(pieces.map(piece => piece.buffer === records.buffer && piece.byteOffset === records.byteOffset)).toContain(
        true
      )
      const header = protocol.encodeResponseHeader(7, version === 12)
      const body = protocol.encodeResponse(protocol.Fetch, version, response)
      const size = Buffer.alloc(4)
      size.writeInt32BE(header.length + body.length)
      expect(Buffer.concat(pieces)).toEqual(Buffer.concat([size, header, body]))
    }
  })

  it('refuses a count that cannot be true before it begins with it', () => {
    const frame = Buffer.from([0x7f, 0xff, 0xff, 0xff, 0])
    expect(() => protocol.decodeRequest(protocol.DeleteGroups, 1, frame)).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_TRUNCATED' })
    )
  })
})

describe('ApiVersions', () => {
  it('has a flexible request but never a flexible response header', () => {
    expect(protocol.flexibleRequest(protocol.ApiVersions, 3)).toBe(true)
    expect(protocol.flexibleResponse(protocol.ApiVersions, 3)).toBe(false)
    expect(protocol.flexibleResponse(protocol.Metadata, 9)).toBe(true)
    expect(protocol.flexibleResponse(protocol.Metadata, 8)).toBe(false)
  })
})

describe('consumer protocol data', () => {
  it('of a newer version is read as the newest known one', () => {
    const encoded = protocol.encodeData(protocol.ConsumerProtocolSubscription, 3, { topics: ['a'], rackId: 'r' })
    encoded.writeInt16BE(9, 0)
    const newer = Buffer.concat([encoded, Buffer.from([1, 2, 3])])
    expect(protocol.decodeData(protocol.ConsumerProtocolSubscription, newer)).toMatchObject({
      version: 9,
      topics: ['a'],
      rackId: 'r'
    })
  })
})

describe('the error table', () => {
  it('knows Kafka 4.3’s codes without a gap, and judges unknown ones as not retriable', () => {
    for (let code = -1; code <= 133; code++) expect(protocol.KAFKA_ERRORS.get(code)?.code).toBe(code)
    expect(protocol.kafkaError(6)).toMatchObject({ name: 'NOT_LEADER_OR_FOLLOWER', retriable: true })
    expect(protocol.kafkaError(90)).toMatchObject({ name: 'PRODUCER_FENCED', retriable: false })
    expect(protocol.kafkaError(9999)).toMatchObject({ name: 'UNKNOWN_ERROR_CODE', retriable: false })
  })
})
