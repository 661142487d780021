/**
 * What a serde gave, if it is bytes. One without types may give anything else, such as an ArrayBuffer: without a length it would become
 * a deletion, or nothing that can be read.
 */
export function serialized(bytes: Uint8Array): Uint8Array {
  if (bytes instanceof Uint8Array) return bytes
  throw new TypeError(`serialize() returned ${Object.prototype.toString.call(bytes)}, not a Uint8Array`)
}
