import { crc32 } from 'node:zlib'
import type { TopicAppender } from '@millrace/streams/ports'

const HEAD_BYTES = 16

/** Takes records as a producer's batch does, bytes behind bytes, and keeps them until `clear`. */
export class ByteLog implements TopicAppender {
  readonly topic: string
  readonly partitionCount = 1
  /** Of each record: key length:i32 key, value length:i32 value, timestamp:i64; -1 stands for null. */
  bytes = Buffer.allocUnsafe(1 << 16)
  end = 0
  /** Since the beginning. */
  count = 0

  constructor(topic: string) {
    this.topic = topic
  }

  append(
    _partition: number,
    key: Uint8Array | null,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array | null,
    valueStart: number,
    valueEnd: number,
    timestampMs: number
  ): void {
    const keyLength = key === null ? -1 : keyEnd - keyStart
    const valueLength = value === null ? -1 : valueEnd - valueStart
    this.reserve(HEAD_BYTES + keyLength + valueLength + 2)
    this.part(key, keyStart, keyLength)
    this.part(value, valueStart, valueLength)
    this.bytes.writeInt32BE(Math.floor(timestampMs / 0x1_0000_0000), this.end)
    this.bytes.writeUInt32BE(timestampMs >>> 0, this.end + 4)
    this.end += 8
    this.count++
  }

  ackedEndOffset(): number {
    return this.count
  }

  /** Goes on from the checksum of what was there before. */
  checksum(before: number): number {
    return crc32(this.bytes.subarray(0, this.end), before)
  }

  clear(): void {
    this.end = 0
  }

  private part(bytes: Uint8Array | null, start: number, length: number): void {
    this.bytes.writeInt32BE(length, this.end)
    this.end += 4
    if (bytes === null) return
    this.bytes.set(start === 0 && length === bytes.length ? bytes : bytes.subarray(start, start + length), this.end)
    this.end += length
  }

  private reserve(length: number): void {
    if (this.end + length <= this.bytes.length) return
    const larger = Buffer.allocUnsafe(2 * this.bytes.length + length)
    this.bytes.copy(larger, 0, 0, this.end)
    this.bytes = larger
  }
}
