/**
 * Where things lie in the raw store of a task.
 *
 * ```
 * 00 'f'                → version of this layout
 * 00 'd' name           → directory: JSON { id, layout } of a store; ids are never given twice
 * 00 'c' id:u16         → changelog offset up to which the store is on disk
 * 00 'o' id:u16         → largest time ever put (stores that expire)
 * 00 'n' id:u16         → number of rows, roughly
 * 01 id:u16 key         → row, or page of a group of items (page.ts)
 * ```
 *
 * Rows of a timestamped store: timestamp:i64 value. All integers are big-endian, so that they sort.
 */
export const LAYOUT_VERSION = 1

export const META_FROM = Uint8Array.of(0)
export const META_TO = Uint8Array.of(1)
export const VERSION_KEY = metaKey('f', '')

export type StoreMeta = 'c' | 'o' | 'n'

export function metaKey(kind: 'f' | 'd', text: string): Buffer {
  return Buffer.from(`\0${kind}${text}`, 'utf8')
}

export function storeMetaKey(kind: StoreMeta, storeId: number): Buffer {
  const key = Buffer.from(`\0${kind}\0\0`, 'latin1')
  key.writeUInt16BE(storeId, 2)
  return key
}

/** What the key of every row of a store begins with, as latin1. */
export function rowPrefix(storeId: number): string {
  return String.fromCharCode(1, storeId >>> 8, storeId & 0xff)
}

export function encodeInteger(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  writeInteger(bytes, 0, value)
  return bytes
}

/** Any safe integer as 8 bytes, two's complement. */
export function writeInteger(bytes: Buffer, offset: number, value: number): void {
  bytes.writeInt32BE(Math.floor(value / 0x1_0000_0000), offset)
  bytes.writeUInt32BE(value >>> 0, offset + 4)
}

export function readInteger(bytes: Uint8Array, offset: number): number {
  const high =
    ((bytes[offset] as number) << 24) |
    ((bytes[offset + 1] as number) << 16) |
    ((bytes[offset + 2] as number) << 8) |
    (bytes[offset + 3] as number)
  const low =
    ((bytes[offset + 4] as number) << 24) |
    ((bytes[offset + 5] as number) << 16) |
    ((bytes[offset + 6] as number) << 8) |
    (bytes[offset + 7] as number)
  return high * 0x1_0000_0000 + (low >>> 0)
}
