/** What is used of the `snappy` package. */
export interface SnappyCodec {
  compressSync(input: Buffer): Buffer
  uncompressSync(input: Buffer, options: { readonly asBuffer: true }): Buffer | string
}

// Java's snappy stream, which Kafka's own clients write, is a 16-byte header and then blocks: int32 length, raw snappy.
// Others write one raw snappy block. Both are read; the former is written, for every client reads it.
const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const HEADER_BYTES = 16
const VERSION = 1
const BLOCK_BYTES = 64 * 1024

/**
 * A snappy copy turns 2 bytes into at most 64, so a length that promises more than that is not worth allocating for.
 */
const MAX_RATIO = 64

export function compressXerial(codec: SnappyCodec, plain: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(header)
  header.writeInt32BE(VERSION, 8)
  header.writeInt32BE(VERSION, 12)
  const parts: Buffer[] = [header]
  for (let start = 0; start < plain.length; start += BLOCK_BYTES) {
    const block = codec.compressSync(plain.subarray(start, start + BLOCK_BYTES))
    const length = Buffer.allocUnsafe(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

export function decompressSnappy(codec: SnappyCodec, compressed: Buffer): Buffer {
  if (!(compressed.length >= HEADER_BYTES && compressed.subarray(0, MAGIC.length).equals(MAGIC))) {
    return decompressBlock(codec, compressed)
  }
  const blocks: Buffer[] = []
  let position = HEADER_BYTES
  while (position < compressed.length) {
    const length = position + 4 <= compressed.length ? compressed.readInt32BE(position) : -1
    position += 4
    if (length < 0 || position + length > compressed.length) {
      throw new Error(`a snappy block of ${length} bytes does not fit at byte ${position} of ${compressed.length}`)
    }
    blocks.push(decompressBlock(codec, compressed.subarray(position, position + length)))
    position += length
  }
  return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks)
}

function decompressBlock(codec: SnappyCodec, block: Buffer): Buffer {
  let promised = 0
  for (let i = 0; i < 5 && i < block.length; i++) {
    promised += (block[i]! & 0x7f) * 2 ** (7 * i)
    if (block[i]! < 0x80) break
  }
  if (promised > block.length * MAX_RATIO) {
    throw new Error(`a snappy block of ${block.length} bytes promises ${promised}`)
  }
  return codec.uncompressSync(block, { asBuffer: true }) as Buffer
}
