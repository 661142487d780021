import type { PartitionReader } from '../../ports/index.ts'

/** A changelog of `end` records, each of the key `k` and the value `v`; `onRead` is called before each is read. */
export function changelogReader(start: number, end: number, onRead: () => void = () => {}): PartitionReader {
  let at = start
  return {
    next: () => {
      onRead()
      if (at >= end) return false
      at++
      return true
    },
    get position() {
      return at
    },
    get offset() {
      return at - 1
    },
    timestampMs: 1,
    buffer: Buffer.from('kv'),
    keyStart: 0,
    keyEnd: 1,
    valueStart: 1,
    valueEnd: 2
  } as unknown as PartitionReader
}
