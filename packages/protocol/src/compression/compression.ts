import { createRequire } from 'node:module'
import zlib from 'node:zlib'
import { ProtocolError } from '../protocol-error.ts'
import { compressXerial, decompressSnappy, type SnappyCodec } from './snappy-framing.ts'

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** By the code in a batch's attributes. */
export const COMPRESSIONS: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** No batch comes near: a broker's largest message is about a megabyte. It stops a bomb. */
const MAX_DECOMPRESSED_BYTES = 1 << 30

interface Lz4Codec {
  compressFrameSync(data: Buffer): Buffer
  decompressFrameSync(data: Buffer): Buffer
}

// gzip and zstd are Node's own. snappy and lz4-napi are Rust with a prebuilt binary per platform, as optional packages:
// no install script, nothing downloaded or compiled, and synchronous. They are loaded when first met, so that a
// platform without a binary can do everything else.
const require = createRequire(import.meta.url)
let snappyCodec: SnappyCodec | undefined
let lz4Codec: Lz4Codec | undefined

/**
 * The records section of a batch, compressed.
 *
 * @throws ProtocolError `COMPRESSION_UNSUPPORTED`
 */
export function compress(compression: Exclude<Compression, 'none'>, plain: Buffer): Buffer {
  switch (compression) {
    case 'gzip':
      return zlib.gzipSync(plain)
    case 'snappy':
      return compressXerial(snappy(), plain)
    case 'lz4':
      return lz4().compressFrameSync(plain)
    case 'zstd':
      requireZstd()
      return zlib.zstdCompressSync(plain)
  }
}

/**
 * The records section of a batch, uncompressed. What the codecs throw on corrupt bytes passes through.
 *
 * @throws ProtocolError `COMPRESSION_UNSUPPORTED`
 */
export function decompress(compression: Exclude<Compression, 'none'>, compressed: Buffer): Buffer {
  switch (compression) {
    case 'gzip':
      return zlib.gunzipSync(compressed, { maxOutputLength: MAX_DECOMPRESSED_BYTES })
    case 'snappy':
      return decompressSnappy(snappy(), compressed)
    case 'lz4':
      return lz4().decompressFrameSync(compressed)
    case 'zstd':
      requireZstd()
      return zlib.zstdDecompressSync(compressed, { maxOutputLength: MAX_DECOMPRESSED_BYTES })
  }
}

/**
 * Finds out before there is anything to compress.
 *
 * @throws ProtocolError `COMPRESSION_UNSUPPORTED`
 */
export function requireCompression(compression: Compression): void {
  if (compression === 'snappy') snappy()
  else if (compression === 'lz4') lz4()
  else if (compression === 'zstd') requireZstd()
}

function snappy(): SnappyCodec {
  return (snappyCodec ??= load('snappy', (): SnappyCodec => require('snappy')))
}

function lz4(): Lz4Codec {
  return (lz4Codec ??= load('lz4', (): Lz4Codec => require('lz4-napi')))
}

function load<T>(compression: Compression, loadModule: () => T): T {
  try {
    return loadModule()
  } catch (cause) {
    throw new ProtocolError(
      'COMPRESSION_UNSUPPORTED',
      `${compression} cannot be used on ${process.platform} ${process.arch}: its binary package is not installed; ` +
        'reinstall with optional dependencies, or use another compression',
      { cause, details: { compression, platform: process.platform, arch: process.arch } }
    )
  }
}

/** Node has it since 22.15 and 23.8. */
function requireZstd(): void {
  if (typeof zlib.zstdDecompressSync !== 'function') {
    throw new ProtocolError(
      'COMPRESSION_UNSUPPORTED',
      `zstd needs Node.js 22.15 or newer, this is ${process.version}: update Node.js, or use another compression`,
      { details: { compression: 'zstd', node: process.version } }
    )
  }
}
