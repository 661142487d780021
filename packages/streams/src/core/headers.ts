/** One record header: a name and its bytes, or `null`. Names may repeat; order is kept. */
export type Header = readonly [name: string, value: Uint8Array | null]

/** The headers of a record, in order. Never mutated: whoever adds one makes a new array. */
export type Headers = readonly Header[]

/** Shared by all records without headers, so that the record path allocates nothing for them. */
export const NO_HEADERS: Headers = Object.freeze([])
