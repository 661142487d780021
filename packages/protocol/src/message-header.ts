import type { Api } from './schema/api.ts'
import { Reader } from './schema/reader.ts'
import { Writer } from './schema/writer.ts'

/** Whether the request header of this version is version 2, with tagged fields; else it is version 1. */
export function flexibleRequest(api: Api, version: number): boolean {
  return version >= api.flexibleFrom
}

const API_VERSIONS = 18

/**
 * Whether the response header is version 1, with tagged fields; else it is version 0. ApiVersions never has them: a
 * broker that does not know the version must be understood too.
 */
export function flexibleResponse(api: Api, version: number): boolean {
  return version >= api.flexibleFrom && api.key !== API_VERSIONS
}

export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
}

/** The header of a request, without the frame's size. */
export function encodeRequestHeader(header: RequestHeader, flexible: boolean): Buffer {
  const writer = new Writer()
  writer.int16(header.apiKey)
  writer.int16(header.apiVersion)
  writer.int32(header.correlationId)
  // The client id keeps its two-byte length in header version 2 as well.
  const clientBytes = header.clientId === null ? -1 : Buffer.byteLength(header.clientId)
  writer.int16(clientBytes)
  if (header.clientId !== null) writer.string(header.clientId, clientBytes)
  if (flexible) writer.unsignedVarint(0)
  return writer.finish()
}

/**
 * Reads a request's header; `bodyStart` is where the body begins.
 *
 * @param flexibleOf - Whether a request of this key and version has a flexible header; the frame itself does not say.
 */
export function decodeRequestHeader(
  frame: Buffer,
  flexibleOf: (apiKey: number, apiVersion: number) => boolean
): RequestHeader & { readonly bodyStart: number } {
  const reader = new Reader(frame)
  const apiKey = reader.int16()
  const apiVersion = reader.int16()
  const correlationId = reader.int32()
  const length = reader.int16()
  const clientId = length < 0 ? null : reader.string(length)
  if (flexibleOf(apiKey, apiVersion)) skipTags(reader)
  return { apiKey, apiVersion, correlationId, clientId, bodyStart: reader.position }
}

/** The header of a response, without the frame's size. */
export function encodeResponseHeader(correlationId: number, flexible: boolean): Buffer {
  const writer = new Writer()
  writer.int32(correlationId)
  if (flexible) writer.unsignedVarint(0)
  return writer.finish()
}

/** Reads a response's header; `bodyStart` is where the body begins. */
export function decodeResponseHeader(
  frame: Buffer,
  flexible: boolean
): { readonly correlationId: number; readonly bodyStart: number } {
  const reader = new Reader(frame)
  const correlationId = reader.int32()
  if (flexible) skipTags(reader)
  return { correlationId, bodyStart: reader.position }
}

function skipTags(reader: Reader): void {
  for (let count = reader.unsignedVarint(); count > 0; count--) {
    reader.unsignedVarint()
    reader.skip(reader.unsignedVarint())
  }
}
