/** One header of a record: a name and its bytes, or null. */
export type RecordHeader = readonly [name: string, value: Uint8Array | null]

/** Shared by all records without headers. */
export const NO_RECORD_HEADERS: readonly RecordHeader[] = Object.freeze([])
