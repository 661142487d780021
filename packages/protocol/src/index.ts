export {
  decodeData,
  decodeRequest,
  decodeResponse,
  encodeData,
  encodeRequest,
  encodeResponse
} from './message-codec.ts'
export {
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequestHeader,
  encodeResponseHeader,
  flexibleRequest,
  flexibleResponse,
  type RequestHeader
} from './message-header.ts'
export * from './messages/index.ts'
export { isProtocolError, ProtocolError, type ProtocolErrorCode } from './protocol-error.ts'
export type {
  Api,
  ApiOf,
  DataFormat,
  DataFormatOf,
  DecodedRequestOf,
  RequestOf,
  ResponseInputOf,
  ResponseOf
} from './schema/api.ts'
export { ZERO_UUID } from './schema/compile.ts'
