/** Node's pool, from which shorter buffers may be cut, is no longer than some KiB; and little is not worth the call. */
const LEAST_BYTES = 1024

/**
 * Frees the memory of a buffer that is a whole one of its own, and that nobody needs any more: views of it become empty. Left to
 * the collector, which looks at old memory seldom, some 64 MB of what was received and sent would lie about.
 */
export function freeMemory({ buffer, byteLength }: Uint8Array): void {
  if (byteLength > LEAST_BYTES && buffer instanceof ArrayBuffer) buffer.transfer(0)
}
