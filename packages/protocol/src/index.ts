export { type Compression, requireCompression } from './compression/compression.ts'
export { KAFKA_ERRORS, type KafkaError, kafkaError } from './kafka-errors.ts'
export {
  decodeData,
  decodeRequest,
  decodeResponse,
  encodeData,
  encodeRequest,
  encodeResponse,
  encodeResponseFrame
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
export type { AbortedTransaction } from './records/aborted-producers.ts'
export {
  BATCH_HEADER_BYTES,
  type BatchHeader,
  type BatchPlace,
  batchChecksumMatches,
  batchSizeBytes,
  buildTransactionMarker,
  emptiedBatch,
  placeBatch,
  readBatchHeader,
  type TransactionMarker
} from './records/batch-header.ts'
export { type FilteredRecord, filterBatch } from './records/filter-batch.ts'
export {
  type BatchProducer,
  type BuildOptions,
  RecordBatchBuilder,
  restampBatch
} from './records/record-batch-builder.ts'
export { type ControlType, RecordBatchCursor, type RecordBatchCursorOptions } from './records/record-batch-cursor.ts'
export { NO_RECORD_HEADERS, type RecordHeader } from './records/record-header.ts'
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
